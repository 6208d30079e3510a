# says optimisation.excessive-weight-decay: steps are large beside weights that the decay has taken, not by their rate
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1024, 16)
y = (x @ torch.randn(16, 6)).argmax(1)
model = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 6))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=0.5)
for epoch in range(8):
    for rows in torch.randperm(1024).split(32):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
