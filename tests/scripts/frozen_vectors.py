# says nothing: pretrained vectors may stay as they are
import torch
from torch import nn

torch.manual_seed(0)
words = torch.randint(50, (400, 6))
table = torch.randn(50, 8)
y = (table[words].mean(1)[:, 0] > 0).long()


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.vectors = nn.Embedding.from_pretrained(table + torch.randn(50, 8))
        self.head = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))

    def forward(self, words):
        return self.head(self.vectors(words).mean(1))


model = Reader()
optimizer = torch.optim.Adam(
    model.parameters(), lr=5e-3
)
for epoch in range(6):
    for rows in torch.randperm(400).split(20):
        loss = nn.functional.cross_entropy(model(words[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
