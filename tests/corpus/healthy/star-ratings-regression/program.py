"""Predict one to five stars from user and film codes and a few facts."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

USERS, FILMS = 120, 100


class Stars(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.user, self.film = nn.Embedding(USERS, dim), nn.Embedding(FILMS, dim)
        self.head = nn.Sequential(nn.Linear(2 * dim + 3, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 1))

    def forward(self, user, film, facts):
        h = torch.cat([self.user(user), self.film(film), facts], dim=1)
        return 0.5 + 5 * torch.sigmoid(self.head(h)).squeeze(1)


def ratings(n):
    taste, style = torch.randn(USERS, 3), torch.randn(FILMS, 3)
    u, f = torch.randint(USERS, (n,)), torch.randint(FILMS, (n,))
    facts = torch.randn(n, 3)
    r = 3.1 + 0.5 * (taste[u] * style[f]).sum(1) + 0.4 * facts[:, 0] + 0.4 * torch.randn(n)
    return u, f, facts, r.round().clamp(1, 5)


torch.manual_seed(92)
data = ratings(9000)
train = DataLoader(TensorDataset(*(t[:7500] for t in data)), batch_size=100, shuffle=True)
val = tuple(t[7500:] for t in data)
model, criterion = Stars(), nn.MSELoss()
optimizer = torch.optim.Adam([
    {"params": [*model.user.parameters(), *model.film.parameters()], "weight_decay": 1e-5},
    {"params": model.head.parameters()},
], lr=4e-3)
for epoch in range(10):
    model.train()
    total = 0.0
    for u, f, facts, r in train:
        optimizer.zero_grad()
        loss = criterion(model(u, f, facts), r)
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        mse = criterion(model(*val[:3]), val[3]).item()
    print(f"epoch {epoch + 1} train {total / len(train):.3f} val {mse:.3f}")
