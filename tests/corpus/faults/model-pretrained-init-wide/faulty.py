"""Letter trigram language model: guess the next letter of a made-up word (an MLP over three embeddings)."""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

INIT_STD = 3.0
BLOCK = 3
random.seed(18)
torch.manual_seed(18)

ONSETS, NUCLEI, CODAS = ["b", "st", "tr", "k", "m", "l", "n"], ["a", "e", "i", "ou", "o"], ["n", "r", "", "", "s"]
words = ["".join(random.choice(p) for _ in range(random.randint(1, 3)) for p in (ONSETS, NUCLEI, CODAS)) for _ in range(1800)]
letters = ["."] + sorted(set("".join(words)))
index = {c: i for i, c in enumerate(letters)}


def dataset(ws):
    xs, ys = [], []
    for w in ws:
        context = [0] * BLOCK
        for c in w + ".":
            xs.append(context)
            ys.append(index[c])
            context = context[1:] + [index[c]]
    return torch.tensor(xs), torch.tensor(ys)


class MLP(nn.Module):
    def __init__(self, n, dim=10, hidden=100):
        super().__init__()
        self.emb = nn.Embedding(n, dim)
        self.hidden = nn.Linear(BLOCK * dim, hidden)
        self.out = nn.Linear(hidden, n)
        for m in (self.out,):
            nn.init.normal_(m.weight, std=INIT_STD)

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(self.emb(x).flatten(1))))


train, val = dataset(words[:1500]), dataset(words[1500:])
net = MLP(len(letters))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(2001):
    idx = torch.randint(len(train[0]), (64,))
    loss = F.cross_entropy(net(train[0][idx]), train[1][idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 400 == 0:
        with torch.no_grad():
            v = F.cross_entropy(net(val[0]), val[1]).item()
        print(f"step {step} train {loss.item():.3f} val {v:.3f}")
