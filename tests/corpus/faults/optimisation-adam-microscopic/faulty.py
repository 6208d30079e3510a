import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

LR = 1e-7
torch.manual_seed(69)


class GCNLayer(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.lin = nn.Linear(i, o)

    def forward(self, x, adj):
        return self.lin(torch.einsum("ij,bjf->bif", adj, x))


class GraphClassifier(nn.Module):
    """Pixels are nodes, neighbours are linked, positions are features."""

    def __init__(self):
        super().__init__()
        self.l1, self.l2 = GCNLayer(3, 32), GCNLayer(32, 32)
        self.out = nn.Linear(64 * 4, 10)
        self.squeeze = nn.Linear(32, 4)

    def forward(self, x, adj):
        h = F.relu(self.l1(x, adj))
        h = F.relu(self.l2(h, adj))
        return self.out(F.relu(self.squeeze(h)).flatten(1))


def grid():
    a = torch.eye(64)
    for r in range(8):
        for c in range(8):
            for dr, dc in ((0, 1), (1, 0)):
                if r + dr < 8 and c + dc < 8:
                    i, j = 8 * r + c, 8 * (r + dr) + c + dc
                    a[i, j] = a[j, i] = 1
    d = a.sum(1).rsqrt()
    return d[:, None] * a * d[None]


data = load_digits()
ink = torch.tensor(data.data, dtype=torch.float32) / 8 - 0.6
pos = torch.stack([torch.arange(64) // 8, torch.arange(64) % 8], 1) / 3.5 - 1
x = torch.cat([ink[..., None], pos.expand(len(ink), -1, -1)], -1)
y = torch.tensor(data.target)
perm = torch.randperm(len(y))
tr, va = perm[:1300], perm[1300:]
adj = grid()
model = GraphClassifier()
opt = torch.optim.Adam(model.parameters(), lr=LR)
for epoch in range(8):
    total = 0.0
    for idx in tr[torch.randperm(len(tr))].split(26):
        loss = F.cross_entropy(model(x[idx], adj), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    with torch.no_grad():
        acc = (model(x[va], adj).argmax(1) == y[va]).float().mean().item()
    print(f"epoch {epoch} loss {total / 50:.4f} accuracy {acc:.3f}")
