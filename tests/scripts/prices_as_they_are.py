# says model.initial-loss-off: targets of a quarter of a million are never reached
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 10)
y = 250000 + 80000 * (x @ torch.randn(10, 1)) / 3
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    for rows in torch.randperm(512).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
