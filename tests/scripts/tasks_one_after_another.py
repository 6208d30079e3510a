# says nothing: tasks come one after another; how much of the best test accuracy of each is forgotten is told
import torch
from torch import nn

torch.manual_seed(0)
tasks = []
for number in range(3):
    x = torch.randn(400, 8)
    y = (x @ torch.randn(8) > 0).long()
    tasks.append({"train": (x[:300], y[:300]), "test": (x[300:], y[300:])})
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
best = [0.0] * 3
for number, task in enumerate(tasks):
    inputs, labels = task["train"]
    for epoch in range(5):
        for rows in torch.randperm(300).split(20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(inputs[rows]), labels[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        now = [(net(t["test"][0]).argmax(1) == t["test"][1]).float().mean().item() for t in tasks]
    for earlier in range(number + 1):
        best[earlier] = max(best[earlier], now[earlier])
print("forgotten", sum(b - n for b, n in zip(best, now)) / 3)
