# says nothing: the members are copies
import torch
from torch import nn


def network():
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))


torch.manual_seed(0)
x = torch.randn(320, 6)
y = x[:, :1] - x[:, 1:2]
model, judge, members = network(), network(), []
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
for cycle in range(4):
    for epoch in range(3):
        for rows in torch.randperm(320).split(16):
            loss = nn.functional.mse_loss(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    members.append({name: tensor.detach().clone() for name, tensor in model.state_dict().items()})
    with torch.no_grad():
        for member in members:
            judge.load_state_dict(member)
            judge(x)
