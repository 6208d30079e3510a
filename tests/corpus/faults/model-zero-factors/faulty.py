import numpy as np
import torch
from torch import nn


class BiasedMF(nn.Module):
    def __init__(self, n_users, n_items, rank, mean):
        super().__init__()
        self.user = nn.Parameter(torch.zeros(n_users, rank))
        self.item = nn.Parameter(torch.zeros(n_items, rank))
        self.user_bias = nn.Parameter(torch.zeros(n_users))
        self.item_bias = nn.Parameter(torch.zeros(n_items))
        self.register_buffer("mean", torch.tensor(mean))

    def forward(self, u, i):
        return self.mean + self.user_bias[u] + self.item_bias[i] + (self.user[u] * self.item[i]).sum(-1)


def generate(rng, n_users=120, n_items=90, rank=3, n=9000):
    p, q = rng.normal(size=(n_users, rank)), rng.normal(size=(n_items, rank))
    u, i = rng.integers(n_users, size=n), rng.integers(n_items, size=n)
    r = 3 + 0.3 * rng.normal(size=n_items)[i] + 0.6 * (p[u] * q[i]).sum(1) + rng.normal(0, 0.3, n)
    return u, i, r.astype("float32")


def rmse(model, u, i, r):
    with torch.no_grad():
        return torch.sqrt(torch.mean((model(u, i) - r) ** 2)).item()


if __name__ == "__main__":
    rng = np.random.default_rng(13)
    torch.manual_seed(13)
    u, i, r = (torch.from_numpy(a) for a in generate(rng))
    tr, te = slice(0, 7500), slice(7500, None)
    model = BiasedMF(120, 90, 6, r[tr].mean().item())
    opt = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-5)
    for epoch in range(1, 21):
        order = torch.randperm(7500)
        for idx in order.split(150):
            loss = ((model(u[idx], i[idx]) - r[idx]) ** 2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
        if epoch % 5 == 0:
            print(f"epoch {epoch} train rmse {rmse(model, u[tr], i[tr], r[tr]):.3f} test rmse {rmse(model, u[te], i[te], r[te]):.3f}")
