"""Prequential evaluation: predict the next day's demand, then learn from it. The order of time is kept."""
import torch
import torch.nn as nn


def stream(days, gen, per_day=48):
    drift = torch.zeros(6)
    for day in range(days):
        drift = drift + 0.03 * torch.randn(6, generator=gen)
        hour = torch.linspace(0, 1, per_day)[:, None]
        weather = torch.randn(per_day, 4, generator=gen)
        x = torch.cat([torch.sin(6.28 * hour), torch.cos(6.28 * hour), weather], 1)
        y = x @ (torch.tensor([1.0, 0.5, 0.4, -0.3, 0.2, 0.0]) + drift) + 0.3 * (weather[:, 0] * weather[:, 1]) + 0.1 * torch.randn(per_day, generator=gen)
        yield day, x, y


class OnlineLearner:
    def __init__(self, lr=0.02):
        self.net = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 1))
        self.opt = torch.optim.SGD(self.net.parameters(), lr=lr, momentum=0.9)
        self.loss = nn.HuberLoss()

    def test(self, x, y):
        with torch.no_grad():
            return self.loss(self.net(x).squeeze(1), y).item()

    def learn(self, x, y):
        for rows in torch.arange(len(y)).split(16):
            loss = self.loss(self.net(x[rows]).squeeze(1), y[rows])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()


if __name__ == "__main__":
    torch.manual_seed(0)
    learner, errors = OnlineLearner(), []
    for day, x, y in stream(150, torch.Generator().manual_seed(0)):
        errors.append(learner.test(x, y))
        learner.learn(x, y)
        if day % 30 == 29:
            print(f"day {day} error of the last 30 days {sum(errors[-30:]) / 30:.4f}")
