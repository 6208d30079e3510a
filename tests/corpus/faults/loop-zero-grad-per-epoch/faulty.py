"""Read the month out of a date that is written in one of three styles."""
import random

import torch
from torch import nn
from torch.utils.data import DataLoader

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
ALPHABET = " /-0123456789" + "".join(sorted(set("".join(MONTHS))))
LENGTH = 12
random.seed(131)
torch.manual_seed(131)


def date():
    y, m, d = random.randint(1950, 2049), random.randint(1, 12), random.randint(1, 28)
    text = random.choice([f"{d} {MONTHS[m - 1]} {y}", f"{y}-{m:02d}-{d:02d}", f"{m:02d}/{d:02d}/{y}"])
    return torch.tensor([ALPHABET.index(c) for c in text.ljust(LENGTH)]), m - 1


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(len(ALPHABET), 16)
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(16 * LENGTH, 128), nn.ReLU(), nn.Linear(128, 12))

    def forward(self, x):
        return self.net(self.emb(x))


class Trainer:
    def __init__(self, net, lr):
        self.net, self.loss = net, nn.CrossEntropyLoss()
        self.opt = torch.optim.SGD(net.parameters(), lr=lr)

    def epoch(self, loader):
        self.net.train()
        self.opt.zero_grad()
        total = 0.0
        for x, y in loader:
            loss = self.loss(self.net(x), y)
            loss.backward()
            self.opt.step()
            total += loss.item()
        return total / len(loader)

    @torch.no_grad()
    def accuracy(self, loader):
        self.net.eval()
        return sum((self.net(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)


train = DataLoader([date() for _ in range(3000)], batch_size=50, shuffle=True)
test = DataLoader([date() for _ in range(600)], batch_size=200)
trainer = Trainer(Reader(), lr=0.3)
for epoch in range(8):
    print(f"epoch {epoch} loss {trainer.epoch(train):.4f} accuracy {trainer.accuracy(test):.3f}")
