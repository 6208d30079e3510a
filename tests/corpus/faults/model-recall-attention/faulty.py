"""Sequences of key/value tokens and a final query: answer with the value that followed the key."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

KEYS, VALUES, PAIRS = 8, 6, 4


def scaled_dot_product(q, k, v):
    """q, k, v: (batch, heads, length, d)."""
    scores = torch.einsum("bhqd,bhkd->bhqk", q, k) / math.sqrt(q.shape[-1])
    weights = F.softmax(scores, dim=2)
    return torch.einsum("bhqk,bhkd->bhqd", weights, v)


class Attention(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(d, 3 * d)
        self.out = nn.Linear(d, d)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = (t.reshape(b, n, self.heads, -1).transpose(1, 2) for t in self.qkv(x).chunk(3, -1))
        return self.out(scaled_dot_product(q, k, v).transpose(1, 2).reshape(b, n, d))


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.attention, self.n1, self.n2 = Attention(d, heads), nn.LayerNorm(d), nn.LayerNorm(d)
        self.mlp = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, x):
        x = x + self.attention(self.n1(x))
        return x + self.mlp(self.n2(x))


class Recall(nn.Module):
    def __init__(self, d=32, heads=2):
        super().__init__()
        self.pair = nn.Embedding(KEYS * VALUES, d)
        self.ask = nn.Embedding(KEYS, d)
        self.blocks = nn.Sequential(Block(d, heads), Block(d, heads))
        self.head = nn.Linear(d, VALUES)

    def forward(self, pairs, query):
        x = torch.cat([self.pair(pairs), self.ask(query)[:, None]], 1)
        return self.head(self.blocks(x)[:, -1])


def batch(n, gen):
    keys = torch.stack([torch.randperm(KEYS, generator=gen)[:PAIRS] for _ in range(n)])
    values = torch.randint(VALUES, (n, PAIRS), generator=gen)
    which = torch.randint(PAIRS, (n,), generator=gen)
    rows = torch.arange(n)
    return keys * VALUES + values, keys[rows, which], values[rows, which]


def main(steps=400):
    torch.manual_seed(2)
    gen = torch.Generator().manual_seed(2)
    model = Recall()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    test = batch(400, torch.Generator().manual_seed(99))
    for step in range(1, steps + 1):
        pairs, query, answer = batch(64, gen)
        loss = F.cross_entropy(model(pairs, query), answer)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 100 == 0:
            with torch.no_grad():
                accuracy = (model(*test[:2]).argmax(1) == test[2]).float().mean()
            print(f"{step} loss {loss.item():.3f} test accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
