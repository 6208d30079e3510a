import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Integrator(nn.Module):
    """Predict the area under the positive part of a noisy path."""

    def __init__(self, hidden=32):
        super().__init__()
        self.hidden = hidden
        self.cell = nn.GRUCell(2, hidden)
        self.mix = nn.Linear(hidden, 32)
        self.out = nn.Linear(32, 1)

    def forward(self, x):
        h = torch.zeros(len(x), self.hidden)
        state = h
        for t in range(x.size(1)):
            state = self.cell(x[:, t], state)
        return self.out(torch.tanh(self.mix(h))).squeeze(1)


def paths(n, steps=15):
    dt = 0.5 + torch.rand(n, steps)
    level = torch.randn(n, steps).cumsum(1) / 2
    area = (level.clamp_min(0) * dt).sum(1)
    return torch.stack([level, dt - 1], 2), (area - 6.6) / 8.0


def main():
    torch.manual_seed(19)
    loader = DataLoader(TensorDataset(*paths(2000)), batch_size=50, shuffle=True)
    x_val, y_val = paths(500)
    model, loss_fn = Integrator(), nn.MSELoss()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(7):
        model.train()
        total = 0.0
        for x, y in loader:
            opt.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            opt.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            pred = model(x_val)
        print(f"epoch {epoch} train {total / len(loader):.4f} val {loss_fn(pred, y_val).item():.4f} R2 {1 - (loss_fn(pred, y_val) / y_val.var()).item():.3f}")


main()
