"""Write numbers below a thousand in words' initials: a GRU labels each digit position by context."""
import torch
import torch.nn as nn

MAX_NORM = 1.0
torch.manual_seed(64)


class Tagger(nn.Module):
    def __init__(self, vocab=10, dim=16, hidden=40, tags=7):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim)
        self.rnn = nn.GRU(dim, hidden, batch_first=True, bidirectional=True)
        self.cls = nn.Linear(2 * hidden, tags)

    def forward(self, x):
        return self.cls(self.rnn(self.emb(x))[0])


def sequences(n, length=9):
    x = torch.randint(10, (n, length))
    left = torch.cat([torch.zeros(n, 1, dtype=torch.long), x[:, :-1]], 1)
    right = torch.cat([x[:, 1:], torch.zeros(n, 1, dtype=torch.long)], 1)
    y = torch.where(x > left, 2, 0) + (x > right).long() + torch.where(x % 5 == 0, 3, 0)
    return x, y


x, y = sequences(1600)
x_val, y_val = sequences(400)
model = Tagger()
loss_fn = nn.CrossEntropyLoss()
opt = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
for epoch in range(8):
    model.train()
    total = 0.0
    for idx in torch.randperm(1600).split(40):
        opt.zero_grad()
        loss = loss_fn(model(x[idx]).flatten(0, 1), y[idx].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        opt.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        acc = (model(x_val).argmax(-1) == y_val).float().mean().item()
    print(f"epoch {epoch} loss {total / 40:.4f} tags right {acc:.3f}")
