"""Detect worn bearings from vibration summaries; the held-out pumps are of a newer series."""
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    n_train: int = 2400
    n_val: int = 600
    width: int = 48
    lr: float = 2e-3
    epochs: int = 12
    seed: int = 3


def simulate(n, rng, load, wear_rate):
    """Twelve summaries of a pump's vibration; `load` shifts all of them, wear adds to a few."""
    worn = (rng.random(n) < wear_rate).astype(np.float32)
    base = rng.normal(size=(n, 12)) + load
    base[:, :4] += 1.8 * worn[:, None]
    base[:, 4:6] *= 1 + 0.5 * worn[:, None]
    return (base * np.linspace(0.5, 3.0, 12)).astype(np.float32), worn


class Frames(Dataset):
    def __init__(self, values, labels, mean=None, std=None):
        self.mean = values.mean(0) if mean is None else mean
        self.std = values.std(0) if std is None else std
        self.x = torch.from_numpy((values - self.mean) / self.std)
        self.y = torch.from_numpy(labels)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def accuracy(model, loader):
    model.eval()
    right = 0
    with torch.no_grad():
        for x, y in loader:
            right += ((model(x).squeeze(1) > 0) == (y > 0.5)).sum().item()
    return right / len(loader.dataset)


def main(cfg=Config()):
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    train_values, train_labels = simulate(cfg.n_train, rng, load=0.0, wear_rate=0.5)
    val_values, val_labels = simulate(cfg.n_val, rng, load=0.0, wear_rate=0.12)
    train = Frames(train_values, train_labels)
    val = Frames(val_values, val_labels, train.mean, train.std)
    train_loader = DataLoader(train, batch_size=64, shuffle=True)
    val_loader = DataLoader(val, batch_size=200)

    model = nn.Sequential(nn.Linear(12, cfg.width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(cfg.width, cfg.width), nn.ReLU(), nn.Linear(cfg.width, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(cfg.epochs):
        model.train()
        total = 0.0
        for x, y in train_loader:
            loss = criterion(model(x).squeeze(1), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        print(f"epoch {epoch:2d} loss {total / len(train):.4f} val accuracy {accuracy(model, val_loader):.3f}")


if __name__ == "__main__":
    main()
