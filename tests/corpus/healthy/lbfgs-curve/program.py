"""Michaelis-Menten constants with a neural residual, fitted by L-BFGS: the same full batch at every step."""
import torch
from torch import nn


class Kinetics(nn.Module):
    def __init__(self):
        super().__init__()
        self.log_vmax, self.log_km = nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(()))
        self.residual = nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 1))

    def forward(self, s):
        return self.log_vmax.exp() * s / (self.log_km.exp() + s) + self.residual(s)


def measure(gen, n=120):
    s = torch.rand(n, 1, generator=gen) * 5
    return s, 2.3 * s / (0.7 + s) + 0.1 * torch.sin(3 * s) + 0.02 * torch.randn(n, 1, generator=gen)


def main():
    torch.manual_seed(0)
    gen = torch.Generator().manual_seed(0)
    s, v = measure(gen)
    s_test, v_test = measure(gen)
    model = Kinetics()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=1, max_iter=10, history_size=20, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(s), v) + 1e-5 * sum(p.square().sum() for p in model.residual.parameters())
        loss.backward()
        return loss

    for outer in range(25):
        loss = optimizer.step(closure)
        if outer % 5 == 4:
            with torch.no_grad():
                print(outer, f"{loss.item():.5f}", f"{nn.functional.mse_loss(model(s_test), v_test).item():.5f}")
    print(f"vmax {model.log_vmax.exp().item():.2f} km {model.log_km.exp().item():.2f}")


main()
