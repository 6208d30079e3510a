"""Regression with an uncertainty by Gal and Ghahramani's Monte-Carlo dropout."""
import torch
import torch.nn as nn


class McNet(nn.Module):
    def __init__(self, width=64, p=0.1):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Dropout(p), nn.Linear(width, width), nn.ReLU(), nn.Dropout(p), nn.Linear(width, 1))

    def forward(self, x):
        return self.net(x).squeeze(1)

    def enable_dropout(self):
        for m in self.modules():
            if isinstance(m, nn.Dropout):
                m.train()

    @torch.no_grad()
    def predict(self, x, samples=30):
        self.eval()
        self.enable_dropout()
        draws = torch.stack([self(x) for _ in range(samples)])
        return draws.mean(0), draws.std(0)


def field(n, gen, spread=1.0):
    x = spread * torch.randn(n, 2, generator=gen)
    return x, torch.sin(2 * x[:, 0]) + 0.5 * x[:, 1] ** 2 + 0.1 * torch.randn(n, generator=gen)


def main():
    torch.manual_seed(0)
    gen = torch.Generator().manual_seed(0)
    x, y = field(1500, gen)
    x_val, y_val = field(300, gen)
    far, _ = field(300, gen, spread=4.0)
    model = McNet()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(20):
        model.train()
        for rows in torch.randperm(len(y)).split(50):
            loss = nn.functional.mse_loss(model(x[rows]), y[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
        if epoch % 4 == 3:
            mean, std = model.predict(x_val)
            print(f"{epoch} train {loss.item():.3f} val {nn.functional.mse_loss(mean, y_val):.3f} std near {std.mean():.3f} far {model.predict(far)[1].mean():.3f}")


main()
