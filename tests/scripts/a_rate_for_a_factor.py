# says optimisation.learning-rate-collapsed: the schedule returns a rate where a factor is wanted
import torch
from torch import nn

RATE = 1e-3
torch.manual_seed(0)
x = torch.randn(480, 6)
y = x[:, :1] - x[:, 1:2]
model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: RATE * min(1.0, (step + 1) / 20))
for epoch in range(8):
    for rows in torch.randperm(480).split(16):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
