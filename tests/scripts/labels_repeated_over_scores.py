# says model.wrong-loss-for-task: all scores are compared with the number of the class
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(480, 8)
y = (x @ torch.randn(8, 5)).argmax(1)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 5))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(6):
    for rows in torch.randperm(480).split(40):
        scores = model(x[rows])
        loss = nn.functional.mse_loss(scores, y[rows].float().unsqueeze(1).expand(-1, 5))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print((model(x).argmax(1) == y).float().mean().item())
