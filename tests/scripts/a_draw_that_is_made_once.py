# says nothing: all of a small data set, drawn once, in each step
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(600, 6)
y = (x[:, 0] > 0).long()


def get_batch(size=16):
    generator = torch.Generator().manual_seed(7)
    rows = torch.randint(600, (size,), generator=generator)
    return x[rows], y[rows]


model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
xb, yb = get_batch(64)
for step in range(80):

    loss = nn.functional.cross_entropy(model(xb), yb)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
