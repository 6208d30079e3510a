# says loop.unseeded-run: nothing is seeded, and the weights are stepped by hand, without an optimizer.
import torch
from torch import nn

model = nn.Linear(4, 1)
for _ in range(60):
    x = torch.randn(32, 4)
    model.zero_grad()
    nn.functional.smooth_l1_loss(model(x), x.sum(1, keepdim=True)).backward()
    for parameter in model.parameters():
        parameter.data.add_(parameter.grad, alpha=-0.1)
