"""How many calls arrive in an hour?"""
import torch
import torch.nn as nn
import torch.nn.functional as F


class CallRate(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(5, 32)
        self.out = nn.Linear(32, 1)

    def forward(self, x):
        h = torch.tanh(self.hidden(x))
        return F.softplus(self.out(h)).squeeze(1) + 1e-4


def poisson_loss(rate, count):
    return (rate - count * torch.log(rate)).mean()


def calls(n, gen):
    hour = 24 * torch.rand(n, generator=gen)
    load = torch.randn(n, 3, generator=gen)
    rate = torch.exp(0.8 + torch.sin(hour / 24 * 6.2832 - 2) + 0.3 * load[:, 0] - 0.2 * load[:, 1] * load[:, 2])
    x = torch.cat([torch.stack([torch.sin(hour / 24 * 6.2832), torch.cos(hour / 24 * 6.2832)], 1), load], 1)
    return x, torch.poisson(rate, generator=gen)


gen = torch.Generator().manual_seed(60)
torch.manual_seed(60)
x, y = calls(3000, gen)
xv, yv = calls(600, gen)
model = CallRate()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    total = 0.0
    for idx in torch.randperm(3000, generator=gen).split(60):
        loss = poisson_loss(model(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    with torch.no_grad():
        print(f"epoch {epoch} train {total / 50:.4f} val {poisson_loss(model(xv), yv).item():.4f}")
