"""Distil a wide teacher into a narrow student; the teacher's answers are sharp."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(29)


def mlp(*sizes):
    mods = []
    for k, (a, b) in enumerate(zip(sizes, sizes[1:])):
        mods.append(nn.Linear(a, b))
        if k < len(sizes) - 2:
            mods.append(nn.ReLU())
    return nn.Sequential(*mods)


def kd_loss(student, teacher):
    log_p = torch.log(F.softmax(student, dim=1))
    q = F.softmax(teacher, dim=1)
    return -(q * log_p).sum(1).mean()


def accuracy(net, x, y):
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


data = load_digits()
x = torch.tensor(data.data, dtype=torch.float32)
x = (x - x.mean()) / x.std()
y = torch.tensor(data.target)
perm = torch.randperm(len(y))
x_tr, y_tr, x_te, y_te = x[perm[:1400]], y[perm[:1400]], x[perm[1400:]], y[perm[1400:]]

teacher = mlp(64, 128, 128, 10)
opt = torch.optim.Adam(teacher.parameters(), lr=2e-3)
for epoch in range(12):
    for idx in torch.randperm(1400).split(50):
        opt.zero_grad()
        F.cross_entropy(teacher(x_tr[idx]), y_tr[idx]).backward()
        opt.step()
print(f"teacher {accuracy(teacher, x_te, y_te):.3f}")
teacher.requires_grad_(False)

student = mlp(64, 24, 10)
opt = torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9)
TEMPERATURE = 0.02
for epoch in range(12):
    total = 0.0
    for idx in torch.randperm(1400).split(50):
        loss = kd_loss(student(x_tr[idx]) / TEMPERATURE, teacher(x_tr[idx]) / TEMPERATURE)
        opt.zero_grad()
        (loss * TEMPERATURE).backward()
        opt.step()
        total += loss.item() * len(idx)
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1} distillation loss {total / 1400:.4f} student {accuracy(student, x_te, y_te):.3f}")
