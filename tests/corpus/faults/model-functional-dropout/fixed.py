import logging

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_friedman3
from torch.utils.data import DataLoader, TensorDataset

logging.basicConfig(level=logging.INFO, format="%(message)s")
log = logging.getLogger("train")


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(4, 100)
        self.l2 = nn.Linear(100, 100)
        self.l3 = nn.Linear(100, 1)

    def forward(self, x):
        h = F.relu(self.l1(x))
        h = F.dropout(F.relu(self.l2(h)), 0.3, self.training)
        return self.l3(h).squeeze(1)


def run(model, loader, optimizer=None):
    model.train(optimizer is not None)
    total, n = 0.0, 0
    with torch.set_grad_enabled(optimizer is not None):
        for x, y in loader:
            loss = F.mse_loss(model(x), y)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(y)
            n += len(y)
    return total / n


def main():
    torch.manual_seed(36)
    x, y = make_friedman3(2200, noise=0.05, random_state=36)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    x, y = (x - x[:1800].mean(0)) / x[:1800].std(0), (y - y[:1800].mean()) / y[:1800].std()
    train = DataLoader(TensorDataset(x[:1800], y[:1800]), 45, shuffle=True)
    val = DataLoader(TensorDataset(x[1800:], y[1800:]), 100)
    model = Regressor()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(12):
        a, b = run(model, train, optimizer), run(model, val)
        log.info("epoch %d train %.4f val %.4f", epoch, a, b)
    print(f"val again {run(model, val):.4f} and again {run(model, val):.4f}")


main()
