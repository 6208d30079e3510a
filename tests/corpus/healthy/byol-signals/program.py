"""Two noisy views of a signal; an online network predicts a slow target's projection. A linear probe follows."""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F


def signals(n, gen):
    y = torch.randint(5, (n,), generator=gen)
    t = torch.linspace(0, 6.28, 40)
    return torch.sin((1 + y)[:, None] * t + 0.5 * torch.randn(n, 1, generator=gen)), y


def view(x):
    return x * (0.8 + 0.4 * torch.rand(len(x), 1)) + 0.3 * torch.randn_like(x)


def mlp(a, b, c):
    return nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU(), nn.Linear(b, c))


class Byol(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.projector, self.predictor = mlp(40, 64, 32), mlp(32, 64, 16), mlp(16, 32, 16)
        self.target = copy.deepcopy(nn.Sequential(self.encoder, self.projector))
        for p in self.target.parameters():
            p.requires_grad = False

    def forward(self, a, b):
        online = self.predictor(self.projector(self.encoder(a)))
        with torch.no_grad():
            slow = self.target(b)
        return 2 - 2 * F.cosine_similarity(online, slow, dim=1).mean()

    @torch.no_grad()
    def follow(self, tau=0.98):
        online = nn.Sequential(self.encoder, self.projector)
        for s, o in zip(self.target.parameters(), online.parameters()):
            s.mul_(tau).add_(o, alpha=1 - tau)


def probe(encoder, x, y, x_test, y_test):
    encoder.eval()
    with torch.no_grad():
        h, h_test = encoder(x), encoder(x_test)
    head = nn.Linear(32, 5)
    opt = torch.optim.Adam(head.parameters(), lr=0.01)
    for _ in range(100):
        loss = F.cross_entropy(head(h), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    return (head(h_test).argmax(1) == y_test).float().mean().item()


def main():
    torch.manual_seed(0)
    gen = torch.Generator().manual_seed(0)
    (x, y), test = signals(1500, gen), signals(400, gen)
    model = Byol()
    trainable = [p for p in model.parameters() if p.requires_grad]
    opt = torch.optim.SGD(trainable, lr=0.1, momentum=0.9, weight_decay=1e-4)
    for epoch in range(8):
        model.train()
        for rows in torch.randperm(len(x)).split(100):
            a, b = view(x[rows]), view(x[rows])
            loss = (model(a, b) + model(b, a)) / 2
            opt.zero_grad()
            loss.backward()
            opt.step()
            model.follow()
        print(epoch, f"{loss.item():.4f}")
    print("probe accuracy", probe(model.encoder, x, y, *test))


main()
