"""Predict a machine's temperature from its sensors, day by day; machines drift."""
import torch
import torch.nn as nn


def days(n, gen, per_day=40):
    drift = torch.zeros(5)
    for day in range(n):
        drift = drift + 0.1 * torch.randn(5, generator=gen)
        x = torch.randn(per_day, 5, generator=gen)
        y = x @ (torch.tensor([1.0, -0.5, 0.3, 0.0, 0.8]) + drift) + 0.3 * torch.randn(per_day, generator=gen)
        yield x, y


class Online:
    def __init__(self, lr=0.05):
        self.net = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 1))
        self.opt = torch.optim.SGD(self.net.parameters(), lr=lr, momentum=0.8)

    def test(self, x, y):
        with torch.no_grad():
            return nn.functional.mse_loss(self.net(x).squeeze(1), y).item()

    def learn(self, x, y):
        for rows in torch.arange(len(y)).split(10):
            loss = nn.functional.mse_loss(self.net(x[rows]).squeeze(1), y[rows])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()


if __name__ == "__main__":
    torch.manual_seed(0)
    online, errors = Online(), []
    for x, y in days(100, torch.Generator().manual_seed(0)):
        online.learn(x, y)
        errors.append(online.test(x, y))
    print(f"mean error of the last 50 days {sum(errors[-50:]) / 50:.4f}")
