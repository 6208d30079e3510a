import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(109)
VOCAB, LENGTH = 30, 24


def markov():
    p = torch.softmax(2.5 * torch.randn(VOCAB, VOCAB), 1)
    def sample(n):
        rows = [torch.randint(VOCAB, (n,))]
        for _ in range(LENGTH):
            rows.append(torch.multinomial(p[rows[-1]], 1).squeeze(1))
        return torch.stack(rows, 1)
    return sample


class TiedLM(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, dim)
        self.gru = nn.GRU(dim, dim, batch_first=True)
        self.decoder = nn.Linear(dim, VOCAB, bias=True)
        self.decoder.weight = self.embedding.weight
        nn.init.normal_(self.embedding.weight, std=0.1)

    def forward(self, x):
        h, _ = self.gru(self.embedding(x))
        return self.decoder(h)


def loss_of(model, rows):
    return F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())


sample = markov()
train, val = sample(1500), sample(300)
model = TiedLM()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-3)
for epoch in range(8):
    model.train()
    total = 0.0
    for idx in torch.randperm(1500).split(30):
        loss = loss_of(model, train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        print(f"epoch {epoch} train {total / 50:.3f} val {loss_of(model, val).item():.3f}")
