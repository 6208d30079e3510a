from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class HP:
    lr: float = 0.05
    decay: float = 1e-4
    batch: int = 32
    epochs: int = 8


class DepthwiseNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, padding=1)
        self.dw = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.pw = nn.Conv2d(16, 32, 1)
        self.fc = nn.Linear(32 * 16, 10)

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = F.relu(self.pw(F.relu(self.dw(x))))
        return self.fc(F.max_pool2d(x, 2).flatten(1))


def main():
    hp = HP()
    torch.manual_seed(70)
    d = load_digits()
    x = torch.tensor(d.images, dtype=torch.float32)[:, None] / 8 - 0.6
    y = torch.tensor(d.target)
    perm = torch.randperm(len(y))
    train = DataLoader(TensorDataset(x[perm[:1400]], y[perm[:1400]]), hp.batch, shuffle=True)
    x_val, y_val = x[perm[1400:]], y[perm[1400:]]
    net = DepthwiseNet()
    opt = torch.optim.SGD(net.parameters(), lr=hp.lr, momentum=0.9, weight_decay=hp.decay)
    for epoch in range(hp.epochs):
        net.train()
        total = 0.0
        for xb, yb in train:
            loss = F.cross_entropy(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            out = net(x_val)
        norm = sum(p.norm().item() ** 2 for p in net.parameters()) ** 0.5
        print(f"epoch {epoch} train {total / len(train):.3f} val {F.cross_entropy(out, y_val).item():.3f} acc {(out.argmax(1) == y_val).float().mean().item():.3f} weights {norm:.2f}")


main()
