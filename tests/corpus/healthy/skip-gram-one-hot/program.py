"""Word vectors by skip-grams: each word, as a one-hot code, predicts the words beside it; every word has several neighbours."""

import random

import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
SENTENCES = ["cats chase mice", "mice eat cheese", "dogs chase cats", "cows eat grass", "cheese comes from cows"]
text = " ".join(SENTENCES).split()
words = sorted(set(text))
number = {word: place for place, word in enumerate(words)}
pairs = [
    (number[text[place]], number[text[place + side]])
    for place in range(1, len(text) - 1)
    for side in (-1, 1)
]


class SkipGram(nn.Module):
    def __init__(self, vocabulary, size):
        super().__init__()
        self.vectors = nn.Linear(vocabulary, size, bias=False)
        self.context = nn.Linear(size, vocabulary, bias=False)

    def forward(self, code):
        return self.context(self.vectors(code))


model = SkipGram(len(words), 5)
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
codes = torch.eye(len(words))
for step in range(3000):
    chosen = random.sample(pairs, 2)
    code = codes[[word for word, _ in chosen]]
    neighbour = torch.tensor([other for _, other in chosen])
    loss = nn.functional.cross_entropy(model(code), neighbour)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
everything = torch.tensor(pairs)
with torch.no_grad():
    loss = nn.functional.cross_entropy(model(codes[everything[:, 0]]), everything[:, 1])
print(f"step {step + 1} loss {loss.item():.3f}")
