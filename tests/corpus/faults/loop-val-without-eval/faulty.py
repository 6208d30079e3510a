import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

N_SPEAKERS, T = 10, 128
g = torch.Generator().manual_seed(77)


def recordings(n, book):
    who = torch.arange(N_SPEAKERS).repeat_interleave(n // N_SPEAKERS)
    t = torch.arange(T) / T
    pitch = book["pitch"][who] + 0.3 * torch.randn(n, generator=g)
    phase = 2 * math.pi * torch.rand(n, 3, generator=g)
    wave = sum(book["amp"][who, h, None] * torch.sin(2 * math.pi * (h + 1) * pitch[:, None] * t + phase[:, h, None]) for h in range(3))
    return (wave + 0.6 * torch.randn(n, T, generator=g)).unsqueeze(1), who


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.b1 = nn.Conv1d(1, 24, 9, stride=2), nn.BatchNorm1d(24)
        self.c2, self.b2 = nn.Conv1d(24, 32, 7, stride=2), nn.BatchNorm1d(32)
        self.drop = nn.Dropout(0.4)
        self.fc1 = nn.Linear(32, 48)
        self.fc2 = nn.Linear(48, N_SPEAKERS)

    def forward(self, x):
        x = F.relu(self.b1(self.c1(x)))
        x = F.relu(self.b2(self.c2(x)))
        x = self.drop(x.mean(2))
        return self.fc2(self.drop(F.relu(self.fc1(x))))


def run_train(net, loader, opt):
    net.train()
    total = 0.0
    for wave, who in loader:
        loss = F.cross_entropy(net(wave), who)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    return total / len(loader)


def run_val(net, loader):
    loss, hits, n = 0.0, 0, 0
    with torch.no_grad():
        for wave, who in loader:
            out = net(wave)
            loss += F.cross_entropy(out, who, reduction="sum").item()
            hits += (out.argmax(1) == who).sum().item()
            n += len(who)
    return loss / n, hits / n


torch.manual_seed(77)
book = {"pitch": 3 + 1.1 * torch.arange(N_SPEAKERS), "amp": 0.3 + torch.rand(N_SPEAKERS, 3, generator=g)}
train_loader = DataLoader(TensorDataset(*recordings(1200, book)), batch_size=40, shuffle=True)
val_loader = DataLoader(TensorDataset(*recordings(400, book)), batch_size=20)
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(10):
    train_loss = run_train(net, train_loader, opt)
    val_loss, val_acc = run_val(net, val_loader)
    print(f"{epoch + 1:2d} train {train_loss:.3f} | val {val_loss:.3f} acc {val_acc:.3f}")
