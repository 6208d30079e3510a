"""Add a second head to a trained digit network and keep the first one working."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits

torch.manual_seed(9)
bunch = load_digits()
X = torch.tensor(bunch.data, dtype=torch.float32)
X = (X - X.mean()) / X.std()
digit = torch.tensor(bunch.target)
holes = torch.tensor([1, 0, 0, 0, 1, 0, 1, 0, 2, 1])[digit]
perm = torch.randperm(len(X))
tr, te = perm[:1300], perm[1300:]

trunk = nn.Sequential(nn.Linear(64, 80), nn.ReLU(), nn.Linear(80, 40), nn.ReLU())
digit_head = nn.Linear(40, 10)
hole_head = nn.Sequential(nn.Linear(40, 32), nn.ReLU(), nn.Linear(32, 3))
ce = nn.CrossEntropyLoss()


def acc(head, y):
    with torch.no_grad():
        return (head(trunk(X[te])).argmax(1) == y[te]).float().mean().item()


opt = torch.optim.SGD(list(trunk.parameters()) + list(digit_head.parameters()), lr=0.1, momentum=0.9)
for epoch in range(8):
    for b in tr[torch.randperm(len(tr))].split(50):
        opt.zero_grad()
        ce(digit_head(trunk(X[b])), digit[b]).backward()
        opt.step()
print(f"digits alone: {acc(digit_head, digit):.3f}")

for p in trunk.parameters():
    p.requires_grad = False
opt = torch.optim.SGD([p for p in [*trunk.parameters(), *hole_head.parameters()] if p.requires_grad], lr=0.1, momentum=0.9)
for epoch in range(12):
    total = 0.0
    for b in tr[torch.randperm(len(tr))].split(50):
        opt.zero_grad()
        loss = ce(hole_head(trunk(X[b])), holes[b])
        loss.backward()
        opt.step()
        total += loss.item() * len(b)
    if epoch % 3 == 2:
        print(f"epoch {epoch} holes loss {total / len(tr):.3f} holes {acc(hole_head, holes):.3f} digits {acc(digit_head, digit):.3f}")
