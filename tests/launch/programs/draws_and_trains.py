"""Trains with dropout and prints all that depends on random numbers."""

import random

import numpy as np
import torch
from torch import nn

torch.manual_seed(3), random.seed(3), np.random.seed(3)
x, y = torch.randn(64, 6), torch.arange(64) % 3
model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3), nn.Softmax(1))
optimizer = torch.optim.Adam(model.parameters())
for rows in torch.randperm(64).split(8):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    loss.backward()
    optimizer.step()
print(loss.item().hex(), torch.rand(1).item(), random.random(), np.random.rand(), torch.get_num_threads())
