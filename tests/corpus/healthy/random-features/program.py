"""Kernel regression by random Fourier features: the first layer stays as drawn, on purpose."""
import torch
import torch.nn as nn


class RandomFeatures(nn.Module):
    def __init__(self, d_in, features, bandwidth):
        super().__init__()
        self.project = nn.Linear(d_in, features)
        nn.init.normal_(self.project.weight, std=bandwidth)
        nn.init.uniform_(self.project.bias, 0, 6.2832)
        self.project.requires_grad_(False)

    def forward(self, x):
        return torch.cos(self.project(x)) * (2 / self.project.out_features) ** 0.5


def target(x):
    return torch.sin(3 * x[:, 0]) * x[:, 1] + 0.5 * x[:, 2].abs()


def main():
    torch.manual_seed(0)
    x, x_val = torch.randn(2000, 3), torch.randn(500, 3)
    y, y_val = target(x) + 0.05 * torch.randn(2000), target(x_val)
    model = nn.Sequential(RandomFeatures(3, 512, 1.2), nn.Linear(512, 1))
    opt = torch.optim.Adam(model.parameters(), lr=0.02)
    for epoch in range(25):
        for rows in torch.randperm(len(y)).split(100):
            loss = nn.functional.mse_loss(model(x[rows])[:, 0], y[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
        if epoch % 5 == 4:
            with torch.no_grad():
                print(epoch, f"{loss.item():.4f}", f"{nn.functional.mse_loss(model(x_val)[:, 0], y_val).item():.4f}")


main()
