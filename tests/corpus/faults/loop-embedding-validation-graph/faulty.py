"""Neural collaborative filtering on generated ratings."""
import torch
import torch.nn as nn

torch.manual_seed(6)
USERS, ITEMS, RANK = 150, 120, 4


def make_ratings(n):
    p, q = torch.randn(USERS, RANK), torch.randn(ITEMS, RANK)
    bias = 0.4 * torch.randn(ITEMS)
    u, i = torch.randint(USERS, (n,)), torch.randint(ITEMS, (n,))
    r = 3.2 + bias[i] + 0.5 * (p[u] * q[i]).sum(1) + 0.2 * torch.randn(n)
    return u, i, r.clamp(1, 5)


class NCF(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.user = nn.Embedding(USERS, dim)
        self.item = nn.Embedding(ITEMS, dim)
        self.mlp = nn.Sequential(nn.Linear(3 * dim, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
        nn.init.constant_(self.mlp[-1].bias, 3.2)

    def forward(self, u, i):
        a, b = self.user(u), self.item(i)
        return self.mlp(torch.cat([a, b, a * b], dim=1)).squeeze(1)


def batches(data, size, shuffle=True):
    order = torch.randperm(len(data[0])) if shuffle else torch.arange(len(data[0]))
    for idx in order.split(size):
        yield tuple(t[idx] for t in data)


def validate(model, data):
    model.eval()
    predictions, ratings = [], []
    for u, i, r in batches(data, 250, shuffle=False):
        pred = model(u, i)
        predictions.append(pred)
        ratings.append(r)
    predictions, ratings = torch.cat(predictions), torch.cat(ratings)
    return {"rmse": ((predictions - ratings) ** 2).mean().sqrt().item(), "mae": (predictions - ratings).abs().mean().item()}


everything = make_ratings(12000)
train = tuple(t[:9000] for t in everything)
valid = tuple(t[9000:10500] for t in everything)
test = tuple(t[10500:] for t in everything)
model = NCF()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
for epoch in range(12):
    model.train()
    total = 0.0
    for u, i, r in batches(train, 128):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(u, i), r)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(u)
    scores = validate(model, valid)
    print(f"epoch {epoch:2d} train mse {total / 9000:.4f} val rmse {scores['rmse']:.4f} mae {scores['mae']:.4f}")
print("test", validate(model, test))
