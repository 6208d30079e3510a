"""Batch-hard triplet loss on digit embeddings."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits


def pairwise(z):
    sq = (z ** 2).sum(1)
    d2 = sq[:, None] + sq[None] - 2 * z @ z.t()
    d2 = d2 - torch.diag(torch.diag(d2))
    return torch.sqrt(d2.clamp_min(0))


def batch_hard(z, y, margin=0.5):
    d = pairwise(z)
    same = y[:, None] == y[None]
    hardest_positive = (d * same).max(1).values
    hardest_negative = (d + 1e3 * same).min(1).values
    return torch.relu(hardest_positive - hardest_negative + margin).mean()


def balanced(by_class, per):
    return torch.cat([c[torch.randint(len(c), (per,))] for c in by_class])


torch.manual_seed(139)
d = load_digits()
x, y = torch.tensor(d.data, dtype=torch.float32) / 8 - 0.6, torch.tensor(d.target)
perm = torch.randperm(len(y))
x, y = x[perm], y[perm]
by_class = [torch.nonzero(y[:1300] == c).squeeze(1) for c in range(10)]
net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 12))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(1, 301):
    idx = balanced(by_class, 6)
    loss = batch_hard(net(x[idx]), y[idx])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 60 == 0:
        with torch.no_grad():
            nearest = torch.cdist(net(x[1300:]), net(x[:1300])).argmin(1)
        print(f"step {step} loss {loss.item():.4f} nearest neighbour right {(y[nearest] == y[1300:]).float().mean().item():.3f}")
