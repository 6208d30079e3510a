"""Fit a water level as a sum of learnable harmonics plus a small correction network."""
import math

import torch
import torch.nn as nn


def record(n, gen):
    t = torch.rand(n, generator=gen) * 10
    wind = torch.randn(n, 2, generator=gen)
    level = 1.2 * torch.sin(2.1 * t + 0.4) + 0.6 * torch.sin(3.7 * t - 1.0) + 0.2 * wind[:, 0] * wind[:, 1].tanh()
    return t, wind, level + 0.05 * torch.randn(n, generator=gen)


class TideModel(nn.Module):
    def __init__(self, harmonics=6):
        super().__init__()
        self.omega = nn.Parameter(torch.linspace(0.5, 5.0, harmonics))
        self.mix = nn.Linear(2 * harmonics, 1)
        self.correction = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 1))

    def forward(self, t, wind):
        phase = t[:, None] * self.omega
        waves = torch.cat([phase.sin(), phase.cos()], 1)
        return (self.mix(waves) + self.correction(wind)).squeeze(1)


def parameter_groups(model, decay):
    weights, others = [], []
    for name, p in model.named_parameters():
        if name.endswith("weight"):
            weights.append(p)
        elif name.endswith("bias"):
            others.append(p)
    return [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


class Trainer:
    def __init__(self, model, lr=1e-2, decay=1e-4, epochs=40):
        self.model, self.epochs = model, epochs
        self.optimizer = torch.optim.AdamW(parameter_groups(model, decay), lr=lr)
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=epochs)
        self.criterion = nn.MSELoss()

    def epoch(self, t, wind, level, batch=64):
        total = 0.0
        for rows in torch.randperm(len(level)).split(batch):
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(t[rows], wind[rows]), level[rows])
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(rows)
        self.scheduler.step()
        return total / len(level)

    def fit(self, train, val):
        for epoch in range(1, self.epochs + 1):
            loss = self.epoch(*train)
            if epoch % 10 == 0:
                with torch.no_grad():
                    val_loss = self.criterion(self.model(*val[:2]), val[2]).item()
                print(f"epoch {epoch} train {loss:.4f} val {val_loss:.4f}")


if __name__ == "__main__":
    torch.manual_seed(7)
    gen = torch.Generator().manual_seed(7)
    Trainer(TideModel()).fit(record(1500, gen), record(400, gen))
