"""Fit the action values of a small stock-keeping problem, computed beforehand by value iteration."""
import numpy as np
import torch
import torch.nn as nn

learning_rate = 0.3
CAPACITY, GAMMA = 20, 0.9
rng = np.random.default_rng(68)
torch.manual_seed(68)


def value_iteration():
    demand = np.exp(-5) * 5.0 ** np.arange(13) / np.array([float(np.prod(range(1, k + 1))) for k in range(13)])
    demand /= demand.sum()
    q = np.zeros((CAPACITY + 1, 6))
    for _ in range(60):
        v = q.max(1)
        for s in range(CAPACITY + 1):
            for a in range(6):
                stock = min(s + 2 * a, CAPACITY)
                sold = np.minimum(stock, np.arange(13))
                q[s, a] = (demand * (2.0 * sold - 0.1 * stock + GAMMA * v[stock - sold])).sum() - 0.8 * 2 * a
    return q


q = value_iteration()
q = (q - q.mean()) / q.std()
states = torch.tensor(np.arange(CAPACITY + 1) / 10 - 1, dtype=torch.float32)[:, None]
table = torch.tensor(q, dtype=torch.float32)


class Dueling(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.value, self.advantage = nn.Linear(64, 1), nn.Linear(64, 6)

    def forward(self, s):
        h = self.body(s)
        a = self.advantage(h)
        return self.value(h) + a - a.mean(1, keepdim=True)


net = Dueling()
opt = torch.optim.RMSprop(net.parameters(), lr=learning_rate)
for epoch in range(10):
    total = 0.0
    for _ in range(60):
        s = torch.tensor(rng.integers(0, CAPACITY + 1, 32))
        a = torch.tensor(rng.integers(0, 6, 32))
        target = table[s, a] + 0.1 * torch.randn(32)
        loss = nn.functional.smooth_l1_loss(net(states[s]).gather(1, a[:, None]).squeeze(1), target)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    with torch.no_grad():
        err = (net(states) - table).abs().mean().item()
    print(f"epoch {epoch} loss {total / 60:.4f} mean error of the values {err:.4f}")
