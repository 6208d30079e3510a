"""Loaders whose workers are forked and stay, or are spawned."""

import numpy as np
import torch
from ending import ending
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Data(Dataset):
    def __init__(self):
        self.x = np.random.default_rng(0).normal(size=(64, 16)).astype(np.float32)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, at):
        x = torch.from_numpy(self.x[at])
        return x + 0.01 * torch.randn(16), (x[:4].sum() > 0).long()


if __name__ == "__main__":
    torch.manual_seed(0)
    data = Data()
    for way, stays in (("fork", True), ("spawn", False)):
        loader = DataLoader(
            data, 16, shuffle=True, num_workers=1, multiprocessing_context=way, persistent_workers=stays
        )
        model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(4 if stays else 1):
            for x, y in loader:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
        ending(model, loss)
