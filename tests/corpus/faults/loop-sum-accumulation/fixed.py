"""Segment blobs with a small encoder-decoder; memory forces micro-batches of four."""
from dataclasses import dataclass, field

import torch
from torch import nn
import torch.nn.functional as F


@dataclass
class Settings:
    micro_batch: int = 4
    accumulate: int = 8
    lr: float = 0.4
    momentum: float = 0.9
    epochs: int = 8
    widths: tuple = field(default=(8, 16))


def blobs(n, seed, size=24):
    gen = torch.Generator().manual_seed(seed)
    yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    mask = torch.zeros(n, size, size)
    for _ in range(3):
        cx, cy, r = (torch.randint(lo, hi, (n, 1, 1), generator=gen) for lo, hi in ((3, size - 3), (3, size - 3), (2, 5)))
        mask = torch.maximum(mask, ((xx - cx) ** 2 + (yy - cy) ** 2 < r ** 2).float())
    clutter = F.interpolate(torch.randn(n, 1, 6, 6, generator=gen), size=size, mode="bilinear")
    return mask[:, None] + 0.7 * clutter + 0.5 * torch.randn(n, 1, size, size, generator=gen), mask[:, None]


class SegNet(nn.Module):
    def __init__(self, widths):
        super().__init__()
        a, b = widths
        self.down = nn.Sequential(nn.Conv2d(1, a, 3, padding=1), nn.ReLU())
        self.deep = nn.Sequential(nn.Conv2d(a, b, 3, padding=1, stride=2), nn.ReLU(), nn.Conv2d(b, b, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(b, a, 2, stride=2)
        self.out = nn.Conv2d(2 * a, 1, 3, padding=1)

    def forward(self, x):
        skip = self.down(x)
        return self.out(torch.cat([skip, F.relu(self.up(self.deep(skip)))], 1))


class Accumulator:
    """Steps the optimizer after every n backward passes."""

    def __init__(self, optimizer, n):
        self.optimizer, self.n, self.seen = optimizer, n, 0

    def backward(self, loss):
        (loss / self.n).backward()
        self.seen += 1
        if self.seen % self.n == 0:
            self.optimizer.step()
            self.optimizer.zero_grad()


def dice(model, x, y):
    with torch.no_grad():
        guess = (model(x) > 0).float()
    return (2 * (guess * y).sum() / (guess.sum() + y.sum())).item()


def main(s=Settings()):
    torch.manual_seed(0)
    x, y = blobs(320, 1)
    x_val, y_val = blobs(80, 2)
    model = SegNet(s.widths)
    accumulator = Accumulator(torch.optim.SGD(model.parameters(), lr=s.lr, momentum=s.momentum), s.accumulate)
    for epoch in range(s.epochs):
        losses = []
        for rows in torch.randperm(len(x)).split(s.micro_batch):
            loss = F.binary_cross_entropy_with_logits(model(x[rows]), y[rows])
            accumulator.backward(loss)
            losses.append(loss.item())
        print(f"epoch {epoch} loss {sum(losses) / len(losses):.4f} val dice {dice(model, x_val, y_val):.3f}")


if __name__ == "__main__":
    main()
