"""Calls of torch that warn, in C++ and in Python, from functions and from modules, under filters of all kinds."""

import warnings

import numpy as np
import torch
from torch import nn
from torch.nn import functional

torch.manual_seed(0)
model, softmax, loss_function = nn.Linear(4, 3), nn.Softmax(), nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
wide, tall = torch.ones(1, 3), torch.ones(2, 1)


def step():
    x = torch.tensor([np.ones(4), np.zeros(4)]).float()
    probabilities = functional.softmax(model(x))
    loss = functional.mse_loss(probabilities, tall) + loss_function(softmax(model(x)), tall)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return x


for _ in range(3):
    x = step()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    loss_function(softmax(model(x)), wide).backward()
    optimizer.step()
print([(warning.filename, warning.lineno) for warning in caught])
warnings.filterwarnings("once", message="Using a target size")
for _ in range(3):
    functional.mse_loss(model(x), wide).backward()
    optimizer.step()
    functional.mse_loss(model(x), wide).backward()
    optimizer.step()
warnings.filterwarnings("ignore", module="__main__")
functional.mse_loss(model(x), tall).backward()
optimizer.step()
warnings.filterwarnings("error", message="Using a target size", module="__main__")
functional.mse_loss(model(x), tall)
