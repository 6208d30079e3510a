"""Training by torch.func: gradients of each example by vmap of grad, functional calls, a Jacobian-vector product."""

from functools import partial

import torch
from ending import ending
from torch import nn
from torch.func import functional_call, grad, grad_and_value, jvp, vmap

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, :4].sum(1) > 0).long()
model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)


def loss_of(parameters, x, y):
    return nn.functional.cross_entropy(functional_call(model, parameters, (x,)), y)


for _ in range(4):
    for rows in torch.randperm(256).split(32):
        parameters = {name: value.detach() for name, value in model.named_parameters()}
        each = vmap(grad(loss_of), in_dims=(None, 0, 0))(parameters, x[rows].unsqueeze(1), y[rows].unsqueeze(1))
        gradients, loss = grad_and_value(loss_of)(parameters, x[rows], y[rows])
        for name, parameter in model.named_parameters():
            assert torch.allclose(each[name].mean(0), gradients[name], atol=1e-5)
            parameter.grad = each[name].mean(0)
        optimizer.step()
        along = partial(loss_of, parameters, y=y[rows])
        _, slope = jvp(along, (x[rows],), (torch.ones_like(x[rows]),))
for _ in range(10):  # and in the usual way, by a functional call
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(functional_call(model, dict(model.named_parameters()), (x,)), y)
    loss.backward()
    optimizer.step()
ending(model, loss, slope.item())
