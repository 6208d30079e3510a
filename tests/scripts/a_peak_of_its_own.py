# says nothing: the highest rate is the schedule's, not the one that the optimizer was given
import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
weights = torch.randn(6, 3)
x = torch.randn(512, 6)
y = (x @ weights + 0.5 * torch.randn(512, 3)).argmax(1)
loader = DataLoader(TensorDataset(x, y), 32, shuffle=True)
model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
schedule = OneCycleLR(optimizer, max_lr=0.04, total_steps=8 * len(loader))
for epoch in range(8):
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
