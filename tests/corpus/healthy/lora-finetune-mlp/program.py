"""Adapt a frozen network to rotated digits with low-rank updates."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(100)


class LoRA(nn.Module):
    def __init__(self, base, rank=6):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.a = nn.Parameter(torch.randn(rank, base.in_features) / math.sqrt(base.in_features))
        self.b = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x):
        return self.base(x) + x @ self.a.t() @ self.b.t()


def run(model, x, y, params, lr, epochs):
    opt = torch.optim.AdamW(params, lr=lr)
    for _ in range(epochs):
        model.train()
        for idx in torch.randperm(len(x)).split(40):
            loss = F.cross_entropy(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
    return loss.item()


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


d = load_digits()
img = torch.tensor(d.images, dtype=torch.float32) / 8 - 0.6
y = torch.tensor(d.target)
perm = torch.randperm(len(y))
img, y = img[perm], y[perm]
turned = img.rot90(1, (1, 2))
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 10))
run(model, img[:1300], y[:1300], model.parameters(), 2e-3, 8)
print(f"upright {accuracy(model, img[1300:], y[1300:]):.3f} turned {accuracy(model, turned[1300:], y[1300:]):.3f}")
for k in (1, 3, 5):
    model[k] = LoRA(model[k])
adapters = [p for p in model.parameters() if p.requires_grad]
for stage in range(4):
    loss = run(model, turned[:1300], y[:1300], adapters, 5e-3, 3)
    print(f"stage {stage} loss {loss:.3f} turned {accuracy(model, turned[1300:], y[1300:]):.3f}")
