import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

HP = {
    "latent": 8,
    "lr": 0.05,
    "decay": 0.3,
    "epochs": 16,
    "batch": 32,
}


class Siamese(nn.Module):
    def __init__(self, latent):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, latent))

    def forward(self, a, b):
        return (self.net(a) - self.net(b)).pow(2).sum(1)


def pairs(x, y, n, gen):
    i = torch.randint(len(x), (n,), generator=gen)
    j = torch.randint(len(x), (n,), generator=gen)
    same = torch.rand(n, generator=gen) < 0.5
    by_class = [torch.nonzero(y == c).squeeze(1) for c in range(10)]
    for k in torch.nonzero(same).squeeze(1).tolist():
        members = by_class[int(y[i[k]])]
        j[k] = members[torch.randint(len(members), (1,), generator=gen)]
    return x[i], x[j], (y[i] == y[j]).float()


def contrastive(d2, same, margin=2.0):
    d = torch.sqrt(d2 + 1e-6)
    return (same * d2 + (1 - same) * F.relu(margin - d) ** 2).mean()


def main():
    torch.manual_seed(63)
    gen = torch.Generator().manual_seed(63)
    data = load_digits()
    x = torch.tensor(data.data, dtype=torch.float32) / 8 - 0.6
    y = torch.tensor(data.target)
    order = torch.randperm(len(y), generator=gen)
    x, y = x[order], y[order]
    a, b, same = pairs(x[:1300], y[:1300], 2000, gen)
    va, vb, vs = pairs(x[1300:], y[1300:], 800, gen)
    model = Siamese(HP["latent"])
    opt = torch.optim.SGD(model.parameters(), lr=HP["lr"])
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, HP["decay"])
    for epoch in range(HP["epochs"]):
        total = 0.0
        for idx in torch.randperm(2000, generator=gen).split(HP["batch"]):
            loss = contrastive(model(a[idx], b[idx]), same[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        sched.step()
        with torch.no_grad():
            d2 = model(va, vb)
        if epoch % 3 == 0:
            print(f"epoch {epoch} lr {sched.get_last_lr()[0]:.2e} train {total / 2000:.4f} val {contrastive(d2, vs).item():.4f} acc {((d2 < 1) == (vs > 0.5)).float().mean().item():.3f}")


main()
