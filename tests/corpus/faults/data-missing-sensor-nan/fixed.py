"""Predict the wear of a pump from eight sensors."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(50)
rng = np.random.default_rng(50)
raw = rng.normal(size=(2600, 8)) * [5, 1, 20, 3, 1, 0.2, 8, 2] + [60, 3, 100, 0, 1, 0, 40, 9]
z = (raw - raw.mean(0)) / raw.std(0)
wear = z[:, 0] + 0.5 * z[:, 1] ** 2 - z[:, 2] * z[:, 3] + 0.2 * rng.normal(size=2600)
table = torch.tensor(raw, dtype=torch.float32)
table[torch.rand(table.shape) < 0.002] = float("nan")
mean, std = table[:2000].nanmean(0), torch.tensor(np.nanstd(table[:2000].numpy(), axis=0))
table = ((table - mean) / std).nan_to_num(0.0)
wear = torch.tensor((wear - wear.mean()) / wear.std(), dtype=torch.float32)[:, None]

train = DataLoader(TensorDataset(table[:2000], wear[:2000]), batch_size=50, shuffle=True)
model = nn.Sequential(nn.Linear(8, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
loss_fn = nn.MSELoss()
for epoch in range(8):
    total = 0.0
    for x, y in train:
        loss = loss_fn(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        val = loss_fn(model(table[2000:]), wear[2000:]).item()
    print(f"epoch {epoch} train {total / len(train):.4f} val {val:.4f}")
