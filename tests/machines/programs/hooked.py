"""Hooks and parametrisations of the user's own: on modules, on tensors, on all modules; weight and spectral norm, pruning."""

import torch
from ending import ending
from torch import nn
from torch.nn.modules.module import register_module_forward_hook
from torch.nn.utils import parametrizations, parametrize, prune

torch.manual_seed(0)
x = torch.randn(256, 16)
y = (x[:, :4].sum(1) > 0).long()
seen = {}


def count(name):
    def hook(*_):
        seen[name] = seen.get(name, 0) + 1

    return hook


class Symmetric(nn.Module):
    def forward(self, weight):
        return weight.triu() + weight.triu(1).T


middle = parametrize.register_parametrization(nn.Linear(32, 32), "weight", Symmetric())
model = nn.Sequential(
    parametrizations.weight_norm(nn.Linear(16, 32)),
    nn.ReLU(),
    parametrizations.spectral_norm(nn.Linear(32, 32)),
    nn.ReLU(),
    middle,
    nn.ReLU(),
    nn.Linear(32, 2),
)
prune.l1_unstructured(model[-1], "weight", amount=0.2)
everywhere = register_module_forward_hook(count("every module"))
model.register_forward_pre_hook(count("before"))
model[1].register_forward_hook(lambda module, inputs, output: output * 1.0)
model[3].register_full_backward_hook(count("backward"))
model[6].register_full_backward_pre_hook(count("before backward"))
model[6].bias.register_hook(lambda gradient: gradient.clamp(-1, 1))
model[6].bias.register_post_accumulate_grad_hook(count("accumulated"))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
optimizer.register_step_post_hook(count("step"))
for _ in range(5):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
everywhere.remove()
ending(model, loss, sorted(seen.items()))
