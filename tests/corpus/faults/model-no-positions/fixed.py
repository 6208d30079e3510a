"""Does the highest bid come before or after the lowest one?"""
import torch
import torch.nn as nn

torch.manual_seed(38)
LENGTH, LEVELS = 10, 16


class BidOrder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Embedding(LEVELS, dim)
        layer = nn.TransformerEncoderLayer(dim, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.register_buffer("position", torch.randn(LENGTH, dim) * 0.5)
        self.out = nn.Linear(dim, 2)

    def forward(self, tokens):
        h = self.embed(tokens) + self.position
        return self.out(self.encoder(h).mean(dim=1))


def auctions(n):
    bids = torch.stack([torch.randperm(LEVELS)[:LENGTH] for _ in range(n)])
    return bids, (bids.argmax(1) > bids.argmin(1)).long()


x, y = auctions(2000)
x_val, y_val = auctions(500)
model = BidOrder()
loss_fn = nn.CrossEntropyLoss()
opt = torch.optim.AdamW(model.parameters(), lr=1.5e-3)
for epoch in range(9):
    model.train()
    total = 0.0
    for idx in torch.randperm(2000).split(50):
        loss = loss_fn(model(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        acc = (model(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch} loss {total / 40:.3f} val accuracy {acc:.3f}")
