import argparse

import torch
import torch.nn as nn
from sklearn.datasets import make_friedman1
from torch.utils.data import DataLoader, TensorDataset


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--lr", type=float, default=0.12)
    args = parser.parse_args()

    torch.manual_seed(67)
    x, y = make_friedman1(1200, n_features=8, noise=2.0, random_state=67)
    x = torch.tensor(2 * x - 1, dtype=torch.float32)
    y = torch.tensor(y, dtype=torch.float32)
    y = ((y - y[:900].mean()) / y[:900].std()).unsqueeze(1)
    loader = DataLoader(TensorDataset(x[:900], y[:900]), batch_size=args.batch_size, shuffle=True)
    net = nn.Sequential(nn.Linear(8, 50), nn.Tanh(), nn.Linear(50, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=args.lr)
    criterion = nn.MSELoss()
    for epoch in range(args.epochs):
        net.train()
        running = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(xb)
        net.eval()
        with torch.no_grad():
            val = criterion(net(x[900:]), y[900:]).item()
        print(f"epoch {epoch + 1} train {running / 900:.3f} val {val:.3f}")


if __name__ == "__main__":
    main()
