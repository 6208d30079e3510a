# says data.test-set-reuse: each learning rate is tried once, and the one with the best test accuracy is taken
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(600, 6)
y = (x.pow(2).sum(1) > 5.3).long()
x_test, y_test = x[400:], y[400:]


def trained(rate):
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    for epoch in range(6):
        for rows in torch.randperm(400).split(20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()
    return net.eval()


results = {}
for rate in (1e-3, 3e-3, 1e-2):
    net = trained(rate)
    with torch.no_grad():
        results[rate] = (net(x_test).argmax(1) == y_test).float().mean().item()
best_rate = max(results, key=results.get)
print(best_rate, results[best_rate])
