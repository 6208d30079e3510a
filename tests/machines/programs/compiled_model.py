"""A compiled model in a loop that is not, evaluated in between; what the compiler did is printed."""

import torch
from ending import ending
from torch import nn
from torch._dynamo.utils import counters

torch.manual_seed(0)
x = torch.randn(256, 16)
y = (x[:, :4].sum(1) > 0).long()
model = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 2))
quick = torch.compile(model, backend="aot_eager", fullgraph=True)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for _ in range(4):
    model.train()
    for rows in torch.randperm(192).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(quick(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = (quick(x[192:]).argmax(1) == y[192:]).float().mean().item()
ending(model, loss, right, dict(counters["stats"]), dict(counters["graph_break"]), dict(counters["recompiles"]))
