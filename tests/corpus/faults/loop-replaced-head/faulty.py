# Pretrain on digits 0-4, then transfer to digits 5-9 with few labelled pictures.
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(11)
np.random.seed(11)
BASE, NOVEL = range(0, 5), range(5, 10)

raw = load_digits()
pixels = torch.tensor(raw.images, dtype=torch.float32).unsqueeze(1) / 16 - 0.3
target = torch.tensor(raw.target)


class Net(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.proj = nn.Linear(32 * 4, 64)
        self.fc = nn.Linear(64, n_classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(F.relu(self.proj(x.flatten(1))))


def subset(classes, limit=None):
    idx = np.concatenate([np.random.permutation(np.where(raw.target == c)[0])[:limit] for c in classes])
    idx = torch.from_numpy(np.random.permutation(idx))
    return pixels[idx], target[idx] - min(classes)


def fit(model, opt, x, y, epochs, bs=32):
    model.train()
    for ep in range(epochs):
        total = 0.0
        for idx in torch.randperm(len(x)).split(bs):
            loss = F.cross_entropy(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
    return total / len(x)


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


xb, yb = subset(BASE)
net = Net(len(BASE))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
loss = fit(net, optimizer, xb, yb, epochs=6)
print(f"base classes: loss {loss:.3f} accuracy {accuracy(net, xb, yb):.3f}")

x_novel, y_novel = subset(NOVEL)
x_few, y_few, x_test, y_test = x_novel[:200], y_novel[:200], x_novel[200:], y_novel[200:]
optimizer = torch.optim.Adam([
    {"params": [p for n, p in net.named_parameters() if not n.startswith("fc")], "lr": 1e-4},
    {"params": net.fc.parameters(), "lr": 5e-3},
])
net.fc = nn.Linear(64, len(NOVEL))
for stage in range(5):
    loss = fit(net, optimizer, x_few, y_few, epochs=3)
    print(f"stage {stage}: loss {loss:.3f} test accuracy {accuracy(net, x_test, y_test):.3f}")
