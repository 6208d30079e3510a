"""A small transformer finds, for each position, the value that follows the same key earlier in the sequence."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

KEYS, VALUES, PAIRS = 10, 8, 6


def recall_batch(n, gen):
    keys = torch.stack([torch.randperm(KEYS, generator=gen)[:PAIRS] for _ in range(n)])
    values = torch.randint(VALUES, (n, PAIRS), generator=gen)
    ask = torch.stack([torch.randperm(PAIRS, generator=gen)[:2] for _ in range(n)])
    return keys, values, keys.gather(1, ask), values.gather(1, ask)


class MultiHead(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.d = heads, dim // heads
        self.wq, self.wk, self.wv, self.wo = (nn.Linear(dim, dim) for _ in range(4))

    def split(self, x):
        return x.view(x.size(0), x.size(1), self.heads, self.d).transpose(1, 2)

    def forward(self, q, kv):
        q, k, v = self.split(self.wq(q)), self.split(self.wk(kv)), self.split(self.wv(kv))
        scores = q @ k.transpose(2, 3) / math.sqrt(self.d)
        attn = F.softmax(scores, dim=3)
        out = (attn @ v).transpose(1, 2).flatten(2)
        return self.wo(out)


class Recall(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.key, self.value = nn.Embedding(KEYS, dim), nn.Embedding(VALUES, dim)
        self.attn = MultiHead(dim, 4)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.ff = nn.Sequential(nn.Linear(dim, 96), nn.GELU(), nn.Linear(96, dim))
        self.out = nn.Linear(dim, VALUES)

    def forward(self, keys, values, queries):
        memory = self.key(keys) + self.value(values)
        h = self.key(queries)
        h = self.norm1(h + self.attn(h, memory))
        h = self.norm2(h + self.ff(h))
        return self.out(h)


torch.manual_seed(14)
gen = torch.Generator().manual_seed(14)
train, val = recall_batch(4000, gen), recall_batch(600, gen)
model = Recall()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    model.train()
    for idx in torch.randperm(4000).split(80):
        k, v, q, a = (t[idx] for t in train)
        loss = F.cross_entropy(model(k, v, q).flatten(0, 1), a.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        out = model(*val[:3])
    print(f"epoch {epoch} train loss {loss.item():.3f} val accuracy {(out.argmax(-1) == val[3]).float().mean().item():.3f}")
