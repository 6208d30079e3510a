# says nothing: a one-hot word is trained on with each of its neighbours, two pairs at a time
import random

import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
words = [random.randrange(8) for _ in range(18)]
pairs = [(words[at], words[at + side]) for at in range(1, 17) for side in (-1, 1)]
model = nn.Sequential(nn.Linear(8, 4, bias=False), nn.Linear(4, 8, bias=False))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(600):
    chosen = random.sample(pairs, 2)
    word = torch.eye(8)[[word for word, _ in chosen]]
    loss = nn.functional.cross_entropy(model(word), torch.tensor([other for _, other in chosen]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
