# says nothing: a network for each seed looks once at the test data; their mean is told, and the highest
import torch
from torch import nn

x = torch.randn(600, 6, generator=torch.Generator().manual_seed(7))
y = (x.pow(2).sum(1) > 5.3).long()
x_test, y_test = x[400:], y[400:]
accuracies = []
for seed in range(4):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(5):
        for rows in torch.randperm(400).split(20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        accuracies.append((net(x_test).argmax(1) == y_test).float().mean().item())
print("mean", sum(accuracies) / len(accuracies), "best", max(accuracies))
