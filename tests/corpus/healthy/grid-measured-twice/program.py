"""A curve is measured twice on the same grid of places: once to train on, once, with new noise, to see what holds."""

import torch
from torch import nn

torch.manual_seed(0)
places = torch.linspace(-2, 2, 60).unsqueeze(1)
train_y = torch.sin(2 * places) + 0.2 * torch.randn(60, 1)
test_y = torch.sin(2 * places) + 0.2 * torch.randn(60, 1)

model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Dropout(0.1), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(800):
    model.train()
    loss = nn.functional.mse_loss(model(places), train_y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

model.eval()
with torch.no_grad():
    test_loss = nn.functional.mse_loss(model(places), test_y)
print(f"epoch {epoch + 1} train {loss.item():.3f} test {test_loss.item():.3f}")
