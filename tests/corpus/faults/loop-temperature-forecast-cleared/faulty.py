import numpy as np
import torch
from torch import nn


def series(n=1600, seed=0):
    rng = np.random.RandomState(seed)
    t = np.arange(n)
    daily = np.sin(2 * np.pi * t / 24)
    weekly = 0.6 * np.sin(2 * np.pi * t / 168 + 1)
    drift = np.cumsum(rng.normal(0, 0.02, n))
    return (daily + weekly + 0.3 * drift + rng.normal(0, 0.1, n)).astype("float32")


def windows(values, length=36):
    xs = np.stack([values[i:i + length] for i in range(len(values) - length)])
    return torch.from_numpy(xs).unsqueeze(-1), torch.from_numpy(values[length:])


class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.head(out[:, -1]).squeeze(-1)


class Regressor:
    def __init__(self, lr=5e-3, batch_size=64, epochs=6):
        self.net = Forecaster()
        self.optim = torch.optim.Adam(self.net.parameters(), lr=lr)
        self.criterion = nn.MSELoss()
        self.batch_size, self.epochs = batch_size, epochs

    def fit(self, x, y, x_val, y_val):
        for epoch in range(self.epochs):
            self.net.train()
            perm = torch.randperm(len(x))
            running = 0.0
            for start in range(0, len(x), self.batch_size):
                idx = perm[start:start + self.batch_size]
                pred = self.net(x[idx])
                loss = self.criterion(pred, y[idx])
                loss.backward()
                self.optim.zero_grad()
                self.optim.step()
                running += loss.item() * len(idx)
            print(f"[{epoch + 1}/{self.epochs}] train mse {running / len(x):.4f}  val mse {self.score(x_val, y_val):.4f}")

    def score(self, x, y):
        self.net.eval()
        with torch.no_grad():
            return self.criterion(self.net(x), y).item()


if __name__ == "__main__":
    torch.manual_seed(0)
    v = series()
    v = (v - v[:1100].mean()) / v[:1100].std()
    x, y = windows(v)
    a, b = 1064, 1300
    model = Regressor()
    model.fit(x[:a], y[:a], x[a:b], y[a:b])
    print(f"test mse {model.score(x[b:], y[b:]):.4f}")
