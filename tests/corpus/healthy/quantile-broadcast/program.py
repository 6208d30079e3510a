"""Delivery times: predict the 10th, 50th and 90th percentile with heteroscedastic noise."""
import torch
from torch import nn

QUANTILES = torch.tensor([0.1, 0.5, 0.9])


def deliveries(n, gen):
    x = torch.rand(n, 3, generator=gen) * 2 - 1
    spread = 0.1 + 0.4 * (x[:, 1] + 1) / 2
    return x, 1.5 * x[:, 0] + torch.sin(3 * x[:, 2]) + spread * torch.randn(n, generator=gen)


def pinball(prediction, target):
    error = target[:, None] - prediction
    return torch.maximum(QUANTILES * error, (QUANTILES - 1) * error).mean()


class Quantiles(nn.Module):
    """The lowest quantile and positive steps up from it, so that quantiles never cross."""

    def __init__(self, width=48):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 3))

    def forward(self, x):
        low, *steps = self.body(x).unbind(1)
        levels = [low]
        for step in steps:
            levels.append(levels[-1] + nn.functional.softplus(step))
        return torch.stack(levels, 1)


def main():
    torch.manual_seed(2)
    gen = torch.Generator().manual_seed(2)
    x, y = deliveries(2000, gen)
    x_val, y_val = deliveries(500, gen)
    model = Quantiles()
    opt = torch.optim.NAdam(model.parameters(), lr=3e-3)
    for epoch in range(15):
        for rows in torch.randperm(len(y)).split(64):
            loss = pinball(model(x[rows]), y[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
        if epoch % 3 == 2:
            with torch.no_grad():
                q = model(x_val)
            covered = ((y_val > q[:, 0]) & (y_val < q[:, 2])).float().mean()
            print(f"{epoch} {loss.item():.4f} val {pinball(q, y_val):.4f} covered {covered:.3f}")


main()
