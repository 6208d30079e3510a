# says nothing: after training, attacks of growing strength are made on the test data, and the worst of several restarts counts
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(700, 10)
y = (x[:, 0] + x[:, 1] > 0).long()
x_test, y_test = x[500:], y[500:]
net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for _ in range(6):
    for rows in torch.randperm(500).split(25):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
        optimizer.step()
net.eval()


def attack(inputs, labels, epsilon):
    delta = (torch.rand_like(inputs) * 2 - 1) * epsilon
    for _ in range(5):
        delta.requires_grad_(True)
        loss = nn.functional.cross_entropy(net(inputs + delta), labels)
        gradient = torch.autograd.grad(loss, delta)[0]
        delta = (delta.detach() + 0.3 * epsilon * gradient.sign()).clamp(-epsilon, epsilon)
    return inputs + delta


for epsilon in (0.1, 0.3):
    lowest = 1.0
    for restart in range(3):
        attacked = attack(x_test, y_test, epsilon)
        with torch.no_grad():
            accuracy = (net(attacked).argmax(1) == y_test).float().mean().item()
        lowest = min(lowest, accuracy)
    print(epsilon, lowest)
