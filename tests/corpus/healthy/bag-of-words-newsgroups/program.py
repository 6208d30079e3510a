"""Topic of a document from its words; the order of words is thrown away on purpose."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader

VOCAB, TOPICS = 300, 6
gen = torch.Generator().manual_seed(93)
torch.manual_seed(93)
topic_words = torch.distributions.Dirichlet(torch.full((VOCAB,), 0.08)).sample((TOPICS,))


def document():
    topic = int(torch.randint(TOPICS, (1,), generator=gen))
    mix = 0.65 * topic_words[topic] + 0.35 / VOCAB
    length = int(torch.randint(8, 40, (1,), generator=gen))
    return torch.multinomial(mix, length, replacement=True, generator=gen), topic


def collate(items):
    offsets = torch.tensor([0] + [len(w) for w, _ in items[:-1]]).cumsum(0)
    return torch.cat([w for w, _ in items]), offsets, torch.tensor([t for _, t in items])


class BowClassifier(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.bag = nn.EmbeddingBag(VOCAB, dim, mode="mean", sparse=False)
        self.fc = nn.Linear(dim, TOPICS)

    def forward(self, words, offsets):
        return self.fc(self.bag(words, offsets))


docs = [document() for _ in range(2000)]
train = DataLoader(docs[:1600], batch_size=32, shuffle=True, collate_fn=collate)
val = DataLoader(docs[1600:], batch_size=200, collate_fn=collate)
model, loss_fn = BowClassifier(), nn.CrossEntropyLoss()
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(6):
    model.train()
    total = 0.0
    for words, offsets, topic in train:
        loss = loss_fn(model(words, offsets), topic)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        right = sum((model(w, o).argmax(1) == t).sum().item() for w, o, t in val)
    print(f"epoch {epoch} loss {total / len(train):.3f} accuracy {right / 400:.3f}")
