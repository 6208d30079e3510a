"""Sentiment of generated reviews: the last opinion word counts, unless a negation stands before it."""
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

PAD, GOOD, BAD, NOT, FILLER = 0, 1, 2, 3, 4
VOCAB, MAX_LEN = 40, 70


def review(gen):
    n = int(torch.randint(5, 20, (1,), generator=gen))
    words = torch.randint(FILLER, VOCAB, (n,), generator=gen)
    verdict = int(torch.randint(2, (1,), generator=gen))
    at = int(torch.randint(1, n, (1,), generator=gen))
    words[at] = GOOD if verdict else BAD
    if torch.rand(1, generator=gen).item() < 0.4:
        words[at - 1] = NOT
        verdict = 1 - verdict
    return words, verdict


def collate(batch):
    lengths = torch.tensor([len(w) for w, _ in batch])
    tokens = torch.zeros(len(batch), MAX_LEN, dtype=torch.long)
    for k, (w, _) in enumerate(batch):
        tokens[k, :len(w)] = w
    return tokens, lengths, torch.tensor([v for _, v in batch])


class Sentiment(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, 24, padding_idx=PAD)
        self.gru = nn.GRU(24, 32, batch_first=True)
        self.cls = nn.Linear(32, 2)

    def forward(self, tokens, lengths):
        out, _ = self.gru(self.emb(tokens))
        last = out[torch.arange(len(tokens)), lengths - 1]
        return self.cls(last)


torch.manual_seed(25)
gen = torch.Generator().manual_seed(25)
train = DataLoader([review(gen) for _ in range(1000)], batch_size=25, shuffle=True, collate_fn=collate)
val = DataLoader([review(gen) for _ in range(300)], batch_size=100, collate_fn=collate)
model = Sentiment()
opt = torch.optim.Adam(model.parameters(), lr=4e-3)
ce = nn.CrossEntropyLoss()
for epoch in range(6):
    model.train()
    total = 0.0
    for tokens, lengths, verdict in train:
        loss = ce(model(tokens, lengths), verdict)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        hits = sum((model(t, n).argmax(1) == v).sum().item() for t, n, v in val)
    print(f"epoch {epoch} loss {total / len(train):.3f} val accuracy {hits / 300:.3f}")
