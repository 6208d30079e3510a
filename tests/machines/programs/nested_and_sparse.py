"""Sequences of different lengths in one nested tensor; an embedding with sparse gradients; complex weights; saved tensors
that the user packs; anomaly detection; the profiler."""

import torch
from ending import ending
from torch import nn

torch.manual_seed(0)
y = torch.randint(2, (128,))
texts = [torch.randint(20, (int(n),)) + 20 * int(c) for n, c in zip(torch.randint(3, 9, (128,)), y, strict=True)]
table, out = nn.Embedding(40, 16, sparse=True), nn.Linear(16, 2)
optimizers = [torch.optim.SparseAdam(list(table.parameters()), lr=1e-2), torch.optim.Adam(out.parameters(), lr=1e-2)]
for _ in range(4):
    for rows in torch.randperm(128).split(32):
        for optimizer in optimizers:
            optimizer.zero_grad()
        batch = torch.nested.nested_tensor([texts[row] for row in rows], layout=torch.jagged)
        means = torch.stack([table(text).mean(0) for text in batch.unbind()])
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
            loss = nn.functional.cross_entropy(out(means), y[rows])
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
ending(nn.ModuleList([table, out]), loss)

x = torch.randn(256, 8, dtype=torch.complex64)
z = x.sum(1)
turn = nn.Linear(8, 1, dtype=torch.complex64)
optimizer = torch.optim.Adam(turn.parameters(), lr=3e-2)
with torch.autograd.detect_anomaly(check_nan=True), torch.profiler.profile():
    for _ in range(4):
        for rows in torch.randperm(256).split(32):
            optimizer.zero_grad()
            loss = (turn(x[rows]).squeeze(1) - z[rows]).abs().square().mean()
            loss.backward()
            optimizer.step()
ending(turn, loss)
