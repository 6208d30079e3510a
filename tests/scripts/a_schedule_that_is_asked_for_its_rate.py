# says nothing: the schedule's own step() is never called, but its rate is asked for and set, as some frameworks do
import math

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 8)
y = (x[:, 0] * x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / 128)))
step = 0
for epoch in range(8):
    for rows in torch.randperm(512).split(32):
        for group, factor, rate in zip(optimizer.param_groups, schedule.lr_lambdas, schedule.base_lrs):
            group["lr"] = rate * factor(step)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
        step += 1
