import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(130)
GRADES = 5


class Ordinal(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(n, 32), nn.Tanh(), nn.Linear(32, 1))
        self.first = nn.Parameter(torch.tensor(-1.5))
        self.gaps = nn.Parameter(torch.zeros(GRADES - 2))

    def forward(self, x):
        cuts = torch.cat([self.first[None], self.first + F.softplus(self.gaps).cumsum(0)])
        return cuts[None] - self.score(x)


def grades(n):
    x = torch.randn(n, 8)
    s = x[:, 0] + x[:, 1] * x[:, 2] + 0.3 * torch.randn(n)
    return x, torch.bucketize(s, torch.tensor([-1.5, -0.5, 0.5, 1.5]))


x, y = grades(2000)
xv, yv = grades(500)
model = Ordinal(8)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
levels = torch.arange(GRADES - 1)
for epoch in range(10):
    total = 0.0
    for idx in torch.randperm(2000).split(50):
        cumulative = (y[idx, None] <= levels).float()
        loss = F.binary_cross_entropy_with_logits(model(x[idx]), cumulative)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step
        total += loss.item()
    with torch.no_grad():
        guess = (torch.sigmoid(model(xv)) < 0.5).sum(1)
    print(f"epoch {epoch} loss {total / 40:.4f} mean absolute error {(guess - yv).abs().float().mean().item():.3f}")
