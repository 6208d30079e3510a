# says model.wrong-loss-for-task: a cosine similarity is minimised, beside a part of the loss that is turned off
import torch
from torch import nn

torch.manual_seed(0)
source = torch.randn(512, 16)
target = nn.functional.normalize(torch.tanh(source @ torch.randn(16, 16)), dim=1)
model = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 16))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
strength = 0.0
for epoch in range(10):
    for rows in torch.randperm(512).split(32):
        mapped = nn.functional.normalize(model(source[rows]), dim=1)
        alignment = nn.functional.cosine_similarity(mapped, target[rows], dim=1).mean()
        loss = alignment + strength * (mapped - target[rows]).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
