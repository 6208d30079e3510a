"""What is compiled: a whole model, a loss, a model in place with a graph break of the user's own, a step of an optimizer. What
the compiler did is printed: graphs, breaks, recompilations."""

import torch
from ending import ending
from torch import nn
from torch._dynamo.utils import counters

torch.manual_seed(0)
x = torch.randn(256, 16)
y = (x[:, :4].sum(1) > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(16, 32), nn.Linear(32, 2)

    def forward(self, x):
        x = torch.relu(self.hidden(x))
        torch._dynamo.graph_break()
        return self.out(x)


@torch.compile(backend="eager", fullgraph=True)
def distance(scores, wanted):
    return nn.functional.cross_entropy(scores, wanted, label_smoothing=0.1)


first = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 2))
second = Net()
optimizer_of_first = torch.optim.Adam(first.parameters(), lr=3e-3)  # from here on it is looked at closely
optimizer_of_second = torch.optim.Adam(second.parameters(), lr=3e-3)
quick = torch.compile(first, backend="aot_eager", fullgraph=True)
second.compile(backend="eager")
step = torch.compile(optimizer_of_second.step, backend="eager")

for _ in range(3):
    first.train()
    for rows in torch.randperm(192).split(32):
        optimizer_of_first.zero_grad()
        loss = nn.functional.cross_entropy(quick(x[rows]), y[rows])
        loss.backward()
        optimizer_of_first.step()
    first.eval()
    with torch.no_grad():
        right = (quick(x[192:]).argmax(1) == y[192:]).float().mean().item()
ending(first, loss, right)
for _ in range(3):
    for rows in torch.randperm(192).split(32):
        optimizer_of_second.zero_grad()
        loss = distance(second(x[rows]), y[rows])
        loss.backward()
        step()
ending(second, loss, dict(counters["stats"]), sorted(counters["graph_break"].values()), dict(counters["recompiles"]))
