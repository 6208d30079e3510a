import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_friedman2


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr=3e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_((b1 * m + (1 - b1) * p.grad).sign(), alpha=-group["lr"])
                m.lerp_(p.grad, 1 - b2)
        return loss


torch.manual_seed(112)
x, y = make_friedman2(2400, noise=30.0, random_state=112)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
x, y = (x - x[:2000].mean(0)) / x[:2000].std(0), (y - y[:2000].mean()) / y[:2000].std()
net = nn.Sequential(nn.Linear(4, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1), nn.Flatten(0))
opt = Lion(net.parameters(), lr=1e-3, weight_decay=0.01)
sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.05, total_iters=10)
for epoch in range(10):
    net.train()
    total = 0.0
    for idx in torch.randperm(2000).split(50):
        loss = F.mse_loss(net(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    sched.step()
    net.eval()
    with torch.no_grad():
        print(f"epoch {epoch} train {total / 40:.4f} val {F.mse_loss(net(x[2000:]), y[2000:]).item():.4f}")
