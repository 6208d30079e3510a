# says nothing: a seed is drawn only where none is given, and one is; imports draw numbers of their own
import random

import torch
from sklearn.datasets import load_iris
from torch import nn

seed = 5
if seed is None:
    seed = random.randint(1, 10000)
random.seed(seed)
torch.manual_seed(seed)
x, y = map(torch.tensor, load_iris(return_X_y=True))
x = ((x - x.mean(0)) / x.std(0)).float()
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
order = list(range(150))
for _ in range(10):
    random.shuffle(order)
    for start in range(0, 150, 30):
        rows = order[start : start + 30]
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print(loss.item())
