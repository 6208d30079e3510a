# says nothing: round with the gradient of the identity
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(480, 10)
y = (x[:, 0] > 0).float()
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1), nn.Sigmoid())
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(6):
    for rows in torch.randperm(480).split(40):
        soft = model(x[rows]).squeeze(1)
        answer = soft + (torch.round(soft) - soft).detach()
        loss = nn.functional.mse_loss(answer, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
