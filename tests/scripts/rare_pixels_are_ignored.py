# says data.class-imbalance: one pixel in a hundred, which the network never finds
import torch
from torch import nn

torch.manual_seed(0)
images = torch.randn(320, 1, 12, 12)
masks = (torch.rand(320, 1, 12, 12) < 0.01).float()
model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(320).split(16):
        loss = nn.functional.binary_cross_entropy_with_logits(model(images[rows]), masks[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
