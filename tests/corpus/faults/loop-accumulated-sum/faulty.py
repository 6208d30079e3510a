from types import SimpleNamespace

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

cfg = SimpleNamespace(micro_batch=5, accumulate=16, lr=0.15, momentum=0.9, epochs=8, seed=30)


class Patches(nn.Module):
    """A mixer-like network over 2x2 patches of an 8x8 picture."""

    def __init__(self, dim=32, tokens=16):
        super().__init__()
        self.embed = nn.Conv2d(1, dim, 2, stride=2)
        self.token = nn.Sequential(nn.Linear(tokens, 32), nn.ReLU(), nn.Linear(32, tokens))
        self.channel = nn.Sequential(nn.Linear(dim, 64), nn.ReLU(), nn.Linear(64, dim))
        self.head = nn.Linear(dim, 10)

    def forward(self, x):
        h = self.embed(x).flatten(2)
        h = h + self.token(h)
        h = h.transpose(1, 2)
        h = h + self.channel(h)
        return self.head(h.mean(1))


def get_data():
    d = load_digits()
    x = torch.tensor(d.images, dtype=torch.float32)[:, None] / 8 - 0.6
    y = torch.tensor(d.target)
    order = torch.randperm(len(y))
    tr, va = order[:1440], order[1440:]
    return TensorDataset(x[tr], y[tr]), (x[va], y[va])


def main():
    torch.manual_seed(cfg.seed)
    train, (xv, yv) = get_data()
    loader = DataLoader(train, batch_size=cfg.micro_batch, shuffle=True)
    model = Patches()
    optimizer = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=cfg.momentum)
    for epoch in range(cfg.epochs):
        model.train()
        total = 0.0
        optimizer.zero_grad()
        for step, (x, y) in enumerate(loader):
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            total += loss.item()
            if (step + 1) % cfg.accumulate == 0:
                optimizer.step()
                optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            out = model(xv)
        print(f"epoch {epoch} train {total / len(loader):.3f} val {F.cross_entropy(out, yv).item():.3f} acc {(out.argmax(1) == yv).float().mean().item():.3f}")


main()
