"""Tell six kinds of synthetic seismograms apart; one folder a kind."""
import argparse

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import ConcatDataset, DataLoader, TensorDataset


def folder(kind, n, rng, length=100):
    t = np.arange(length)
    onset = rng.integers(10, 40, (n, 1))
    decay = [6, 12, 24, 6, 12, 24][kind] * rng.uniform(0.8, 1.25, (n, 1))
    freq = [0.25, 0.25, 0.25, 0.12, 0.12, 0.12][kind] * rng.uniform(0.9, 1.1, (n, 1))
    wave = np.where(t >= onset, np.exp(-(t - onset) / decay) * np.sin(2 * np.pi * freq * (t - onset)), 0.0)
    x = 2 * wave + rng.normal(0, 0.15, (n, length))
    return TensorDataset(torch.tensor(x, dtype=torch.float32).unsqueeze(1), torch.full((n,), kind))


def build():
    return nn.Sequential(
        nn.Conv1d(1, 16, 11, stride=2), nn.ReLU(),
        nn.Conv1d(16, 32, 7, stride=2), nn.ReLU(),
        nn.AdaptiveMaxPool1d(2), nn.Flatten(),
        nn.Linear(64, 6),
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch_size", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=8)
    opt = parser.parse_args()
    rng = np.random.default_rng(52)
    torch.manual_seed(52)
    train_set = ConcatDataset([folder(k, 240, rng) for k in range(6)])
    test_set = ConcatDataset([folder(k, 60, rng) for k in range(6)])
    train_loader = DataLoader(train_set, batch_size=opt.batch_size, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=120)
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(opt.epochs):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            hits = sum((model(x).argmax(1) == y).sum().item() for x, y in test_loader)
        print(f"epoch {epoch} last loss {loss.item():.3f} test accuracy {hits / 360:.3f}")


if __name__ == "__main__":
    main()
