"""Cosine classifier: weights and features are normalised, so SGD's large rate only turns them."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


class UnitLinear(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.v = nn.Parameter(torch.randn(d_out, d_in))
        self.g = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.g * F.linear(x, F.normalize(self.v, dim=1))


class CosineNet(nn.Module):
    def __init__(self, temperature=10.0):
        super().__init__()
        self.l1, self.l2 = UnitLinear(64, 96), UnitLinear(96, 48)
        self.classes = nn.Parameter(torch.randn(10, 48))
        self.temperature = temperature

    def forward(self, x):
        h = F.relu(F.layer_norm(self.l1(x), (96,)))
        h = F.normalize(self.l2(h), dim=1)
        return self.temperature * h @ F.normalize(self.classes, dim=1).T


def main():
    torch.manual_seed(0)
    images, labels = load_digits(return_X_y=True)
    x, y = torch.tensor(images / 16 - 0.3, dtype=torch.float32), torch.tensor(labels)
    order = torch.randperm(len(y))
    train, test = order[:1300], order[1300:]
    net = CosineNet()
    slow = [net.l1.g, net.l2.g]
    fast = [net.l1.v, net.l2.v, net.classes]
    opt = torch.optim.SGD([{"params": fast, "lr": 2.0}, {"params": slow, "lr": 0.01}])
    for epoch in range(10):
        for rows in train[torch.randperm(len(train))].split(65):
            loss = F.cross_entropy(net(x[rows]), y[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
        with torch.no_grad():
            accuracy = (net(x[test]).argmax(1) == y[test]).float().mean()
        print(f"{epoch} {loss.item():.3f} {accuracy:.3f}")


if __name__ == "__main__":
    main()
