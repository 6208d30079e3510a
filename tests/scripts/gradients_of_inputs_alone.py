# says nothing: nothing is trained; what is drawn at random is looked at only.
import torch
from torch import nn

model = nn.Linear(4, 1)
for _ in range(60):
    x = torch.randn(32, 4, requires_grad=True)
    model.zero_grad()
    model(x).square().mean().backward()
    print(x.grad.abs().mean().item(), model.weight.grad.abs().mean().item())
