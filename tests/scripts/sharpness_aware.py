# says nothing: an optimizer that steps through another one clears gradients in between on purpose
import torch
from torch import nn


class SharpnessAware(torch.optim.Optimizer):
    def __init__(self, params, inner, rho, **settings):
        super().__init__(params, {"rho": rho, **settings})
        self.inner = inner(self.param_groups, **settings)
        self.param_groups = self.inner.param_groups

    @torch.no_grad()
    def step(self, closure):
        with torch.enable_grad():
            loss = closure()
        held = [p for group in self.param_groups for p in group["params"]]
        norm = torch.stack([p.grad.norm() for p in held]).norm()
        moves = [p.grad * (0.05 / norm) for p in held]
        for p, move in zip(held, moves):
            p.add_(move)
        self.zero_grad()
        with torch.enable_grad():
            closure()
        for p, move in zip(held, moves):
            p.sub_(move)
        self.inner.step()
        self.zero_grad()
        return loss


torch.manual_seed(0)
x = torch.randn(512, 6)
y = (x[:, 0] * x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(6, 32), nn.ELU(), nn.Linear(32, 2))
optimizer = SharpnessAware(model.parameters(), torch.optim.SGD, rho=0.05, lr=0.1, momentum=0.9)
for epoch in range(10):
    for rows in torch.randperm(512).split(32):

        def closure():
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            return loss

        optimizer.step(closure)
