# says nothing: two methods are compared on the test data, each trained once; the winner is named
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(600, 10)
y = (x[:, 0] * x[:, 1] > 0).long()
x_train, y_train, x_test, y_test = x[:400], y[:400], x[400:], y[400:]


def trained(net):
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for _ in range(8):
        for rows in torch.randperm(400).split(20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x_train[rows]), y_train[rows]).backward()
            optimizer.step()
    return net


def test_accuracy(net):
    with torch.no_grad():
        return (net(x_test).argmax(1) == y_test).float().mean().item()


plain = trained(nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2)))
dropped = trained(nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 2)).train()).eval()
first, second = test_accuracy(plain), test_accuracy(dropped)
winner = "dropout" if second > first else "plain"
if second > first:
    best_name = "dropout"
print(winner, first, second, max(first, second))
