# says nothing: with teacher forcing a decoder never reads the last of the words that it is to say
import torch
from torch import nn

torch.manual_seed(0)
WORDS, LENGTH = 12, 6


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.cell = nn.Embedding(WORDS, 24), nn.GRUCell(24, 48)
        self.start, self.out = nn.Linear(8, 48), nn.Linear(48, WORDS)

    def forward(self, given, words=None):
        state = torch.tanh(self.start(given))
        token = torch.zeros(len(given), dtype=torch.long)
        scores = []
        for place in range(LENGTH):
            state = self.cell(self.embedding(token), state)
            scores.append(self.out(state))
            token = words[:, place] if words is not None else scores[-1].argmax(1)
        return torch.stack(scores, dim=1)


given = torch.randn(600, 8)
first = (given @ torch.randn(8, WORDS)).argmax(1)
words = torch.stack([(first * (place + 1) + place) % WORDS for place in range(LENGTH)], dim=1)
model = Decoder()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(500).split(50):
        loss = nn.functional.cross_entropy(model(given[rows], words[rows]).flatten(0, 1), words[rows].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(loss.item(), (model(given[500:]).argmax(2) == words[500:]).float().mean().item())
