# says nothing: the test accuracy is measured before and after pruning and fine-tuning, and what it costs is told
import torch
from torch import nn
from torch.nn.utils import prune

torch.manual_seed(0)
x = torch.randn(700, 10)
y = (x[:, 0] * x[:, 1] > 0).long()
x_test, y_test = x[500:], y[500:]
net = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 2))


def train(epochs, rate):
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    for epoch in range(epochs):
        for rows in torch.randperm(500).split(25):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()


def test_accuracy():
    with torch.no_grad():
        return (net(x_test).argmax(1) == y_test).float().mean().item()


train(8, 5e-3)
before = test_accuracy()
for layer in (net[0], net[2]):
    prune.l1_unstructured(layer, "weight", amount=0.5)
pruned = test_accuracy()
train(3, 2e-3)
after = test_accuracy()
print(before, pruned, after)
if after < before - 0.05:
    print("pruning costs more than five points")
