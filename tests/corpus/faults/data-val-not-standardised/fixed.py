import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

BANDS = 60
rng = np.random.RandomState(55)
torch.manual_seed(55)


def make(n):
    axis = np.linspace(0, 1, BANDS)
    centre = rng.uniform(0.2, 0.8, n)
    width = rng.uniform(0.05, 0.12, n)
    depth = rng.uniform(0.1, 0.6, n)
    base = rng.uniform(2.0, 2.6, (n, 1)) + rng.normal(0, 0.15, (n, 1)) * axis
    line = depth[:, None] * np.exp(-0.5 * ((axis - centre[:, None]) / width[:, None]) ** 2)
    return base - line + rng.normal(0, 0.02, (n, BANDS)), np.stack([(centre - 0.5) / 0.17, (depth - 0.35) / 0.14], 1)


class Spectra(Dataset):
    def __init__(self, x, y, transform):
        self.x, self.y, self.transform = x, y, transform

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        x = self.x[i]
        if self.transform is not None:
            x = self.transform(x)
        return torch.tensor(x, dtype=torch.float32), torch.tensor(self.y[i], dtype=torch.float32)


x, y = make(1500)
mean, std = x[:1200].mean(), x[:1200].std()
standardise = lambda s: (s - mean) / std
train_set = Spectra(x[:1200], y[:1200], transform=standardise)
val_set = Spectra(x[1200:1500], y[1200:1500], transform=standardise)
train_loader = DataLoader(train_set, batch_size=30, shuffle=True)
val_loader = DataLoader(val_set, batch_size=150)

model = nn.Sequential(nn.Linear(BANDS, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 2))
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
mse = nn.MSELoss()
for epoch in range(10):
    model.train()
    total = 0.0
    for xb, yb in train_loader:
        opt.zero_grad()
        loss = mse(model(xb), yb)
        loss.backward()
        opt.step()
        total += loss.item() * len(xb)
    model.eval()
    with torch.no_grad():
        val = sum(mse(model(xb), yb).item() * len(xb) for xb, yb in val_loader) / 300
    print(f"epoch {epoch + 1} train {total / 1200:.4f} val {val:.4f}")
