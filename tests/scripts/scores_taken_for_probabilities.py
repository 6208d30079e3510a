# says model.unstable-numerics: what a layer gives is taken for a probability, whatever the learning rate
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 8)
y = (x[:, 0] * x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(4):
    for rows in torch.randperm(512).split(32):
        optimizer.zero_grad()
        nn.functional.nll_loss(torch.log(model(x[rows]) + 1e-8), y[rows]).backward()
        optimizer.step()
