# says loop.scheduler-misplaced: a schedule that is stepped at the beginning of each epoch
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
weights = torch.randn(6, 3)
x = torch.randn(512, 6)
y = (x @ weights + 0.5 * torch.randn(512, 3)).argmax(1)
loader = DataLoader(TensorDataset(x, y), 32, shuffle=True)
model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
schedule = CosineAnnealingLR(optimizer, T_max=8)
for epoch in range(8):
    schedule.step()
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
