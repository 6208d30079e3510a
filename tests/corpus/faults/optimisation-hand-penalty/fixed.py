"""Digits with a CNN, regularised by hand."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class DigitNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc = nn.Linear(32 * 4, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


REG = {"kind": "l2", "strength": 5e-5}


def regulariser(model, kind, strength):
    total = 0.0
    for name, p in model.named_parameters():
        if "bias" not in name:
            total = total + (p.pow(2).sum() if kind == "l2" else p.abs().sum())
    return strength * total


def objective(model, x, y):
    return F.cross_entropy(model(x), y) + regulariser(model, **REG)


def main():
    torch.manual_seed(0)
    images, labels = load_digits(return_X_y=True)
    x = torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16 - 0.3
    y = torch.tensor(labels)
    order = torch.randperm(len(y))
    train, val = order[:1400], order[1400:]
    net = DigitNet()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(12):
        net.train()
        for rows in train[torch.randperm(len(train))].split(64):
            loss = objective(net, x[rows], y[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            out = net(x[val])
        print(f"epoch {epoch} objective {loss.item():.3f} val loss {F.cross_entropy(out, y[val]):.3f} accuracy {(out.argmax(1) == y[val]).float().mean():.3f}")


if __name__ == "__main__":
    main()
