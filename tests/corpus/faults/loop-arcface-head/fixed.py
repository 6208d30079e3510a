"""Identity embeddings with an additive angular margin; identities are noisy draws around prototypes."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

cfg = {"identities": 40, "dim": 32, "embedding": 6, "lr": 0.05, "epochs": 8, "scale": 12.0, "margin": 0.3, "seed": 5}


def faces(per_identity, generator):
    proto = torch.randn(cfg["identities"], 10, generator=torch.Generator().manual_seed(100))
    mix = torch.randn(10, cfg["dim"], generator=torch.Generator().manual_seed(101)) / 10 ** 0.5
    ids = torch.arange(cfg["identities"]).repeat_interleave(per_identity)
    z = proto[ids] + 0.55 * torch.randn(len(ids), 10, generator=generator)
    x = torch.tanh(z @ mix) + 0.15 * torch.randn(len(ids), cfg["dim"], generator=generator)
    return x, ids


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(cfg["dim"], 96)
        self.bn1 = nn.BatchNorm1d(96)
        self.fc2 = nn.Linear(96, cfg["embedding"])

    def forward(self, x):
        return self.fc2(F.relu(self.bn1(self.fc1(x))))


class ArcMargin(nn.Module):
    def __init__(self, features, classes, s, m):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(classes, features))
        nn.init.xavier_uniform_(self.weight)
        self.s, self.m = s, m

    def forward(self, emb, label):
        cosine = F.linear(F.normalize(emb), F.normalize(self.weight)).clamp(-1 + 1e-6, 1 - 1e-6)
        sine = torch.sqrt(1.0 - cosine ** 2)
        phi = cosine * math.cos(self.m) - sine * math.sin(self.m)
        one_hot = F.one_hot(label, self.weight.size(0)).bool()
        return self.s * torch.where(one_hot, phi, cosine)


@torch.no_grad()
def rank1(backbone, gallery, probe):
    backbone.eval()
    (gx, gy), (px, py) = gallery, probe
    sim = F.normalize(backbone(px)) @ F.normalize(backbone(gx)).t()
    return (gy[sim.argmax(1)] == py).float().mean().item()


def main():
    torch.manual_seed(cfg["seed"])
    gen = torch.Generator().manual_seed(cfg["seed"])
    train, gallery, probe = faces(40, gen), faces(4, gen), faces(8, gen)
    loader = DataLoader(TensorDataset(*train), batch_size=64, shuffle=True, drop_last=True)
    backbone = Backbone()
    metric_fc = ArcMargin(cfg["embedding"], cfg["identities"], cfg["scale"], cfg["margin"])
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD([*backbone.parameters(), *metric_fc.parameters()], lr=cfg["lr"], momentum=0.9, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, cfg["epochs"])
    for epoch in range(cfg["epochs"]):
        backbone.train(), metric_fc.train()
        total = 0.0
        for x, y in loader:
            loss = criterion(metric_fc(backbone(x), y), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        print(f"epoch {epoch} loss {total / len(loader):.3f} rank-1 {rank1(backbone, gallery, probe):.3f}")


main()
