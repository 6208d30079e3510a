import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_moons

torch.manual_seed(114)
x, y = make_moons(1200, noise=0.12, random_state=114)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
x = (x - x.mean(0)) / x.std(0)
labelled = torch.cat([torch.nonzero(y[:900] == c).squeeze(1)[:20] for c in (0, 1)])


def perturb(b):
    return b + 0.1 * torch.randn_like(b)


student = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
teacher = copy.deepcopy(student)
for p in teacher.parameters():
    p.detach_()
opt = torch.optim.Adam(student.parameters(), lr=3e-3)
step = 0
for epoch in range(25):
    for idx in torch.randperm(900).split(100):
        lab = labelled[torch.randint(len(labelled), (20,))]
        supervised = F.cross_entropy(student(perturb(x[lab])), y[lab])
        with torch.no_grad():
            goal = teacher(perturb(x[idx])).softmax(1)
        consistency = (student(perturb(x[idx])).softmax(1) - goal).pow(2).mean()
        loss = supervised + min(1.0, step / 80) * 4.0 * consistency
        opt.zero_grad()
        loss.backward()
        opt.step()
        step += 1
        decay = min(0.98, 1 - 1 / (step + 1))
        with torch.no_grad():
            for p, q in zip(student.parameters(), teacher.parameters()):
                q.mul_(decay).add_(p, alpha=1 - decay)
    if epoch % 5 == 4:
        with torch.no_grad():
            acc = (teacher(x[900:]).argmax(1) == y[900:]).float().mean().item()
        print(f"epoch {epoch + 1} supervised {supervised.item():.3f} consistency {consistency.item():.4f} teacher accuracy {acc:.3f}")
