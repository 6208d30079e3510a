"""TorchScript by script and by trace, and a model rebuilt by torch.fx; each trained."""

import warnings

import torch
from ending import ending
from torch import fx, nn

warnings.simplefilter("ignore", DeprecationWarning)  # TorchScript's of itself
torch.manual_seed(0)
x = torch.randn(256, 16)
y = (x[:, :4].sum(1) > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(16, 32), nn.Linear(32, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(torch.relu(self.hidden(x)))


for make in (torch.jit.script, lambda net: torch.jit.trace(net, x[:4]), fx.symbolic_trace):
    model = make(Net())
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(3):
        for rows in torch.randperm(256).split(32):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
    ending(model, loss)
