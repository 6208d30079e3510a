"""A damped oscillator from its equation and its initial state."""
import torch
from torch import nn

torch.manual_seed(106)
ZETA, OMEGA = 0.2, 3.0


class Solution(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, t):
        return 1 + t ** 2 * self.net(t)


def residual(u, t):
    y = u(t)
    dy, = torch.autograd.grad(y, t, torch.ones_like(y), create_graph=True)
    ddy, = torch.autograd.grad(dy, t, torch.ones_like(dy), create_graph=True)
    return ddy + 2 * ZETA * OMEGA * dy + OMEGA ** 2 * y


def exact(t):
    w = OMEGA * (1 - ZETA ** 2) ** 0.5
    return torch.exp(-ZETA * OMEGA * t) * (torch.cos(w * t) + ZETA * OMEGA / w * torch.sin(w * t))


u = Solution()
opt = torch.optim.Adam(u.parameters(), lr=5e-3)
sched = torch.optim.lr_scheduler.ExponentialLR(opt, 0.998)
grid = torch.linspace(0, 2, 200)[:, None]
for step in range(1, 1001):
    t = (2 * torch.rand(64, 1)).requires_grad_()
    loss = residual(u, t).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    if step % 200 == 0:
        with torch.no_grad():
            print(f"step {step} residual {loss.item():.4f} error {(u(grid) - exact(grid)).abs().max().item():.4f}")
