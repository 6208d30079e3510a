# says nothing: a module may define a hash that does not work before it is complete
import torch
from torch import nn


class Layer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.inner = nn.Linear(width, width)

    def __hash__(self):
        return hash(self.inner)

    def forward(self, x):
        return torch.relu(self.inner(x))


torch.manual_seed(0)
x = torch.randn(320, 6)
y = (x[:, 0] > 0).long()
model = nn.Sequential(Layer(6), nn.Linear(6, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(5):
    for rows in torch.randperm(320).split(16):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
