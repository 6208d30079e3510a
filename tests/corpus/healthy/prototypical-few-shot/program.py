import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

rng = np.random.default_rng(120)
torch.manual_seed(120)
d = load_digits()
x = torch.tensor(d.data, dtype=torch.float32) / 8 - 0.6
by_class = [np.flatnonzero(d.target == c) for c in range(10)]
TRAIN, NOVEL = [0, 1, 2, 4, 5, 7, 8], [3, 6, 9]


def episode(classes, way=3, shot=5, query=10):
    chosen = rng.choice(classes, way, replace=False)
    support, ask = [], []
    for c in chosen:
        idx = rng.choice(by_class[c], shot + query, replace=False)
        support.append(x[idx[:shot]])
        ask.append(x[idx[shot:]])
    return torch.stack(support), torch.cat(ask), torch.arange(way).repeat_interleave(query)


encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 32))


def logits(support, ask):
    way, shot, dim = support.shape
    prototypes = encoder(support.view(-1, dim)).view(way, shot, -1).mean(1)
    return -torch.cdist(encoder(ask), prototypes).pow(2)


opt = torch.optim.Adam(encoder.parameters(), lr=1e-3)
losses = []
for it in range(1, 401):
    support, ask, label = episode(TRAIN)
    loss = F.cross_entropy(logits(support, ask), label)
    opt.zero_grad()
    loss.backward()
    opt.step()
    losses.append(loss.item())
    if it % 80 == 0:
        with torch.no_grad():
            acc = np.mean([(logits(s, a).argmax(1) == t).float().mean().item() for s, a, t in (episode(NOVEL) for _ in range(20))])
        print(f"episode {it} loss {np.mean(losses[-80:]):.3f} novel classes {acc:.3f}")
