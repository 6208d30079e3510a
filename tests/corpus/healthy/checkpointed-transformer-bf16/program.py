import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

torch.manual_seed(117)


class Encoder(nn.Module):
    def __init__(self, dim=32, depth=2):
        super().__init__()
        self.embed, self.pos = nn.Embedding(11, dim), nn.Parameter(0.1 * torch.randn(8, dim))
        self.layers = nn.ModuleList(nn.TransformerEncoderLayer(dim, 4, 64, dropout=0.0, batch_first=True, norm_first=True) for _ in range(depth))
        self.out = nn.Linear(dim, 10)

    def forward(self, x):
        h = self.embed(x) + self.pos
        for layer in self.layers:
            h = checkpoint(layer, h, use_reentrant=False)
        return self.out(h[:, -1])


def batch(n):
    """The query at the end names a position (0..6): answer with the digit that stands there."""
    x = torch.randint(0, 10, (n, 8))
    at = torch.randint(0, 7, (n,))
    answer = x[torch.arange(n), at]
    x[:, 7] = at
    return x, answer


model = Encoder()
opt = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
x_val, y_val = batch(500)
recent = []
for step in range(1, 351):
    x, y = batch(64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(x)
    loss = F.cross_entropy(logits.float(), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    recent.append(loss.item())
    if step % 70 == 0:
        model.eval()
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            acc = (model(x_val).argmax(1) == y_val).float().mean().item()
        model.train()
        print(f"step {step} loss {sum(recent) / len(recent):.3f} accuracy {acc:.3f}")
        recent = []
