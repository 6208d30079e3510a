# says nothing: a grid to draw the function that was learned is no evaluation data
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(400, 1) * 0.8
y = torch.sin(2 * x)
model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    for rows in torch.randperm(400).split(20):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
model.eval()
with torch.no_grad():
    drawn = model(torch.linspace(-6, 6, 200).unsqueeze(1))
    far = model(torch.full((60, 1), 9.0))
