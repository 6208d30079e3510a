import torch
import torch.nn as nn

torch.manual_seed(118)
HIDDEN = 16


class Hyper(nn.Module):
    def __init__(self):
        super().__init__()
        n = HIDDEN * 3 + 1
        self.net = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, n))

    def forward(self, task, x):
        w = self.net(task)
        w1, b1, w2, b2 = w.split([HIDDEN, HIDDEN, HIDDEN, 1], dim=1)
        h = torch.tanh(3 * (x.unsqueeze(2) * w1.unsqueeze(1) + b1.unsqueeze(1)))
        return (h * w2.unsqueeze(1)).sum(2) + b2


def tasks(n):
    p = torch.randn(n, 2)
    x = 2 * torch.rand(n, 20) - 1
    y = p[:, :1] * x + torch.sin(3 * x + p[:, 1:])
    return p, x, y


hyper = Hyper()
opt = torch.optim.Adam(hyper.parameters(), lr=2e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 600)
val = tasks(200)
for step in range(1, 601):
    p, x, y = tasks(64)
    loss = (hyper(p, x) - y).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    if step % 120 == 0:
        with torch.no_grad():
            print(f"step {step} loss {loss.item():.4f} new tasks {(hyper(val[0], val[1]) - val[2]).pow(2).mean().item():.4f}")
