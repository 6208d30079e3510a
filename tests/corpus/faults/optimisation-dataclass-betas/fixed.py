"""Forecast a seasonal load curve with an LSTM."""
import math
from dataclasses import dataclass

import torch
import torch.nn as nn


@dataclass(frozen=True)
class AdamConfig:
    lr: float = 3e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def build(self, params):
        return torch.optim.Adam(params, lr=self.lr, betas=(self.beta1, self.beta2), eps=self.eps)


def load_curve(n, gen):
    t = torch.arange(n)
    day, week = torch.sin(2 * math.pi * t / 24), torch.sin(2 * math.pi * t / 168)
    ar = torch.zeros(n)
    noise = 0.15 * torch.randn(n, generator=gen)
    for i in range(1, n):
        ar[i] = 0.8 * ar[i - 1] + noise[i]
    return day + 0.5 * week + ar


def windows(series, length=36):
    x = series.unfold(0, length + 1, 1)
    return x[:, :-1, None], x[:, -1]


class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.head(out[:, -1]).squeeze(-1)


def main():
    torch.manual_seed(2)
    series = load_curve(2400, torch.Generator().manual_seed(2))
    x, y = windows(series[:1900])
    x_val, y_val = windows(series[1900:])
    model = Forecaster()
    optimizer = AdamConfig().build(model.parameters())
    for epoch in range(10):
        total = 0.0
        for rows in torch.randperm(len(y)).split(64):
            loss = nn.functional.smooth_l1_loss(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            val = nn.functional.smooth_l1_loss(model(x_val), y_val).item()
        print(f"epoch {epoch} train {total / len(y):.4f} val {val:.4f}")


main()
