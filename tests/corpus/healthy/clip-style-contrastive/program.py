"""Pair noisy glyphs with their attribute vectors (a symmetric InfoNCE over the batch)."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(96)
CONCEPTS = 200
book = torch.randn(CONCEPTS, 12)
render = torch.randn(12, 40) / 12 ** 0.5
phrase = torch.randn(12, 20) / 12 ** 0.5


def batch(n):
    c = torch.randperm(CONCEPTS)[:n]
    a = torch.tanh(book[c] @ render) + 0.3 * torch.randn(n, 40)
    b = torch.relu(book[c] @ phrase) + 0.2 * torch.randn(n, 20)
    return a, b


class TwoTower(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.image = nn.Sequential(nn.Linear(40, 96), nn.GELU(), nn.Linear(96, dim))
        self.text = nn.Sequential(nn.Linear(20, 96), nn.GELU(), nn.Linear(96, dim))
        self.log_scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, a, b):
        a, b = F.normalize(self.image(a), dim=1), F.normalize(self.text(b), dim=1)
        return self.log_scale.exp().clamp(max=100) * a @ b.t()


model = TwoTower()
decay = [p for p in model.parameters() if p.ndim > 1]
rest = [p for p in model.parameters() if p.ndim <= 1]
opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}], lr=2e-3)
for step in range(1, 501):
    a, b = batch(64)
    logits = model(a, b)
    target = torch.arange(len(a))
    loss = 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.t(), target))
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 100 == 0:
        model.eval()
        with torch.no_grad():
            a, b = batch(150)
            top1 = (model(a, b).argmax(1) == torch.arange(150)).float().mean().item()
        model.train()
        print(f"step {step} loss {loss.item():.3f} retrieval {top1:.3f} scale {model.log_scale.exp().item():.2f}")
