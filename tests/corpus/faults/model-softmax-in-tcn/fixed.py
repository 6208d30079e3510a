"""Tag each token of a bracket sequence with its nesting depth (0..5)."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

DEPTHS, LENGTH = 6, 24


class Brackets(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.tokens, self.depth = torch.zeros(n, LENGTH, dtype=torch.long), torch.zeros(n, LENGTH, dtype=torch.long)
        steps = torch.rand(n, LENGTH, generator=g)
        level = torch.zeros(n, dtype=torch.long)
        for t in range(LENGTH):
            up = (steps[:, t] < 0.5) & (level < DEPTHS - 1) | (level == 0)
            level = torch.where(up, level + 1, level - 1)
            self.tokens[:, t] = up.long()
            self.depth[:, t] = level

    def __len__(self):
        return len(self.tokens)

    def __getitem__(self, i):
        return self.tokens[i], self.depth[i]


class Causal(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.pad = 2 * dilation
        self.conv = nn.Conv1d(channels, channels, 3, dilation=dilation)

    def forward(self, x):
        return x + torch.relu(self.conv(nn.functional.pad(x, (self.pad, 0))))


class Tagger(nn.Module):
    def __init__(self, channels=48, n_tags=DEPTHS):
        super().__init__()
        self.embed = nn.Embedding(2, channels)
        self.net = nn.Sequential(
            Causal(channels, 1),
            Causal(channels, 2),
            Causal(channels, 4),
            Causal(channels, 4),
            nn.Conv1d(channels, n_tags, 1),
        )

    def forward(self, tokens):
        return self.net(self.embed(tokens).transpose(1, 2))


torch.manual_seed(0)
train_loader = DataLoader(Brackets(1500, 1), batch_size=50, shuffle=True)
val_loader = DataLoader(Brackets(400, 2), batch_size=200)
model = Tagger()
criterion = nn.CrossEntropyLoss()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(1, 9):
    model.train()
    running = 0.0
    for tokens, depth in train_loader:
        opt.zero_grad()
        loss = criterion(model(tokens), depth)
        loss.backward()
        opt.step()
        running += loss.item()
    model.eval()
    right = 0
    with torch.no_grad():
        for tokens, depth in val_loader:
            right += (model(tokens).argmax(1) == depth).float().mean(1).sum().item()
    print(f"epoch {epoch} loss {running / len(train_loader):.4f} tokens right {right / 400:.4f}")
