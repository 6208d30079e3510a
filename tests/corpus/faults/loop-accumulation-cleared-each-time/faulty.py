"""Which language is a pseudo-word from? (four phonologies)"""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(136)
N_LANG, VOCAB, LEN = 4, 20, 8
tables = torch.softmax(1.3 * torch.randn(N_LANG, VOCAB, VOCAB), dim=2)


def words(n):
    lang = torch.randint(N_LANG, (n,))
    seq = [torch.randint(VOCAB, (n,))]
    for _ in range(LEN - 1):
        seq.append(torch.multinomial(tables[lang, seq[-1]], 1).squeeze(1))
    return torch.stack(seq, 1), lang


class ConvText(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, 24)
        self.conv = nn.Conv1d(24, 64, 2)
        self.fc = nn.Linear(64, N_LANG)

    def forward(self, x):
        h = torch.relu(self.conv(self.emb(x).transpose(1, 2)))
        return self.fc(h.mean(2))


accum_iter = 8
loader = DataLoader(TensorDataset(*words(3200)), batch_size=4, shuffle=True)
val_tokens, val_label = words(800)
model = ConvText()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
for epoch in range(5):
    model.train()
    total = 0.0
    for i, (tokens, label) in enumerate(loader):
        optimizer.zero_grad()
        loss = criterion(model(tokens), label) / accum_iter
        loss.backward()
        if (i + 1) % accum_iter == 0:
            optimizer.step()
        total += loss.item() * accum_iter
    model.eval()
    with torch.no_grad():
        out = model(val_tokens)
    print(f"epoch {epoch} train {total / len(loader):.4f} val {criterion(out, val_label).item():.4f} accuracy {(out.argmax(1) == val_label).float().mean().item():.3f}")
