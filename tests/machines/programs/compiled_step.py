"""A compiled loss and a compiled step of the optimizer, modules compiled in place, a graph break of the user's own."""

import torch
from ending import ending
from torch import nn
from torch._dynamo.utils import counters

torch.manual_seed(0)
x = torch.randn(256, 16)
y = x[:, :4].sum(1, keepdim=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(16, 32), nn.Linear(32, 1)

    def forward(self, x):
        x = torch.relu(self.hidden(x))
        torch._dynamo.graph_break()
        return self.out(x)


model = Net()
model.compile(backend="aot_eager")
optimizer = torch.optim.Adam(model.parameters(), lr=torch.tensor(3e-3))


@torch.compile(backend="eager", fullgraph=True)
def distance(scores, wanted):
    return nn.functional.smooth_l1_loss(scores, wanted)


@torch.compile(backend="eager")
def step():
    optimizer.step()


for _ in range(4):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = distance(model(x[rows]), y[rows])
        loss.backward()
        step()
ending(model, loss, dict(counters["stats"]), dict(counters["graph_break"]), dict(counters["recompiles"]))
