# says nothing: two optimizers step on one backward pass, for more steps than are written down one by one
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 6)
y = x[:, :1] - x[:, 1:2]
body, head = nn.Sequential(nn.Linear(6, 16), nn.Tanh()), nn.Linear(16, 1)
model = nn.Sequential(body, head)
first = torch.optim.Adam(body.parameters(), lr=1e-3)
second = torch.optim.SGD(head.parameters(), lr=1e-2)
for epoch in range(20):
    for rows in torch.randperm(800).split(16):
        first.zero_grad()
        second.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        first.step()
        second.step()
