"""BYOL on tabular views; a nearest-neighbour probe measures the representation."""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

torch.manual_seed(86)
d = load_digits()
x = torch.tensor(d.data, dtype=torch.float32)
x = (x - x.mean()) / x.std()
y = d.target


def projector(i, h, o):
    return nn.Sequential(nn.Linear(i, h), nn.BatchNorm1d(h), nn.ReLU(), nn.Linear(h, o))


online = nn.Sequential(projector(64, 128, 64), projector(64, 64, 32))
predictor = projector(32, 64, 32)
target = copy.deepcopy(online)
for p in target.parameters():
    p.requires_grad_(False)
opt = torch.optim.Adam([*online.parameters(), *predictor.parameters()], lr=1e-3, weight_decay=1e-5)


def view(b):
    keep = (torch.rand_like(b) > 0.25).float()
    return b * keep + 0.2 * torch.randn_like(b)


def regression(p, z):
    return 2 - 2 * F.cosine_similarity(p, z.detach(), dim=1).mean()


for epoch in range(12):
    total = 0.0
    for idx in torch.randperm(1400).split(100):
        v1, v2 = view(x[idx]), view(x[idx])
        with torch.no_grad():
            t1, t2 = target(v1), target(v2)
        loss = regression(predictor(online(v1)), t2) + regression(predictor(online(v2)), t1)
        opt.zero_grad()
        loss.backward()
        opt.step()
        with torch.no_grad():
            for p, q in zip(online.parameters(), target.parameters()):
                q.lerp_(p, 0.03)
        total += loss.item()
    if epoch % 3 == 2:
        online.eval()
        with torch.no_grad():
            feats = online[0](x)
        online.train()
        knn = KNeighborsClassifier(5).fit(feats[:1400].numpy(), y[:1400])
        print(f"epoch {epoch + 1} loss {total / 14:.3f} kNN accuracy {knn.score(feats[1400:].numpy(), y[1400:]):.3f}")
