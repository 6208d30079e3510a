"""Pretrain a small MLP on one task, then adapt it with low-rank updates to a rotated one."""
import torch
from torch import nn
import torch.nn.functional as F


class LowRank(nn.Module):
    def __init__(self, fan_in, fan_out, rank=4):
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, fan_in) / fan_in ** 0.5)
        self.up = nn.Parameter(torch.zeros(fan_out, rank))

    def forward(self, x):
        return F.linear(F.linear(x, self.down), self.up)


class Base(nn.Module):
    def __init__(self, d_in=10, d=64, classes=5):
        super().__init__()
        self.fc1, self.fc2, self.head = nn.Linear(d_in, d), nn.Linear(d, d), nn.Linear(d, classes)

    def layer(self, name, x):
        return getattr(self, name)(x)

    def forward(self, x):
        x = F.relu(self.layer("fc1", x))
        x = F.relu(self.layer("fc2", x))
        return self.head(x)


class Adapted(Base):
    targets = ("fc1", "fc2")

    def __init__(self, base, rank=4):
        super().__init__()
        self.load_state_dict(base.state_dict())
        for p in self.parameters():
            p.requires_grad_(False)
        self.head.requires_grad_(True)
        self.adapters = nn.ModuleDict()
        for name in self.targets:
            linear = getattr(self, name)
            self.adapters[name] = LowRank(linear.in_features, linear.out_features, rank)

    def layer(self, name, x):
        return super().layer(name, x) + self.adapters[name](x)


def task(n, seed, rotation=None):
    gen = torch.Generator().manual_seed(seed)
    centres = 1.1 * torch.randn(25, 10, generator=torch.Generator().manual_seed(0))
    which = torch.randint(25, (n,), generator=gen)
    x = centres[which] + 0.5 * torch.randn(n, 10, generator=gen)
    return (x if rotation is None else x @ rotation), which % 5


def fit(model, x, y, epochs, lr):
    opt = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=lr)
    for epoch in range(epochs):
        for rows in torch.randperm(len(y)).split(64):
            loss = F.cross_entropy(model(x[rows]), y[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
    return loss.item()


def accuracy(model, x, y):
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(0)
    base = Base()
    fit(base, *task(2000, 1), epochs=10, lr=3e-3)
    print(f"base accuracy {accuracy(base, *task(500, 2)):.3f}")
    rotation = torch.linalg.qr(torch.randn(10, 10))[0]
    model = Adapted(base)
    for round_ in range(4):
        loss = fit(model, *task(2000, 3, rotation), epochs=5, lr=3e-3)
        print(f"round {round_} loss {loss:.3f} adapted accuracy {accuracy(model, *task(500, 4, rotation)):.3f}")


if __name__ == "__main__":
    main()
