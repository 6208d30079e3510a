import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(88)
STEPS, WARMUP, PEAK = 400, 40, 4e-3


def rate(step):
    if step < WARMUP:
        return PEAK * (step + 1) / WARMUP
    return 0.5 * PEAK * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP)))


class Mixer(nn.Module):
    """Sort-position prediction: at which rank does each of eight numbers stand?"""

    def __init__(self, dim=48):
        super().__init__()
        self.inp = nn.Linear(1, dim)
        self.layer = nn.TransformerEncoderLayer(dim, 4, 96, dropout=0.0, batch_first=True)
        self.out = nn.Linear(dim, 8)

    def forward(self, x):
        return self.out(self.layer(self.inp(x.unsqueeze(-1))))


def numbers(n):
    x = torch.randn(n, 8)
    return x, x.argsort(1).argsort(1)


model = Mixer()
optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, weight_decay=0.01)
x_val, y_val = numbers(500)
for step in range(STEPS):
    for group in optimizer.param_groups:
        group["lr"] = rate(step)
    x, y = numbers(48)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if (step + 1) % 80 == 0:
        model.eval()
        with torch.no_grad():
            acc = (model(x_val).argmax(-1) == y_val).float().mean().item()
        model.train()
        print(f"step {step + 1} lr {rate(step):.5f} loss {loss.item():.3f} ranks right {acc:.3f}")
