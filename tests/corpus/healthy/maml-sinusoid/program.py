"""MAML on sine waves."""
import math

import torch
from torch.func import functional_call
from torch import nn

torch.manual_seed(105)
model = nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
meta = torch.optim.Adam(model.parameters(), lr=2e-3)
INNER = 0.02


def task():
    amp, phase = 0.5 + 1.5 * torch.rand(()), math.pi * torch.rand(())
    def draw(k):
        x = 10 * torch.rand(k, 1) - 5
        return x / 2.5, amp * torch.sin(x + phase)
    return draw


def adapt(params, x, y, steps=1, graph=True):
    for _ in range(steps):
        loss = (functional_call(model, params, (x,)) - y).pow(2).mean()
        grads = torch.autograd.grad(loss, list(params.values()), create_graph=graph)
        params = {k: p - INNER * g for (k, p), g in zip(params.items(), grads)}
    return params


def evaluate(tasks):
    before = after = 0.0
    for draw in tasks:
        xs, ys = draw(10)
        xq, yq = draw(50)
        params = {k: p.detach().requires_grad_() for k, p in model.named_parameters()}
        fast = adapt(params, xs, ys, steps=5, graph=False)
        with torch.no_grad():
            before += (model(xq) - yq).pow(2).mean().item()
            after += (functional_call(model, fast, (xq,)) - yq).pow(2).mean().item()
    return before / len(tasks), after / len(tasks)


held_out = [task() for _ in range(40)]
for it in range(1, 301):
    meta.zero_grad()
    total = 0.0
    for _ in range(4):
        draw = task()
        fast = adapt(dict(model.named_parameters()), *draw(10))
        xq, yq = draw(15)
        loss = (functional_call(model, fast, (xq,)) - yq).pow(2).mean() / 4
        loss.backward()
        total += loss.item()
    meta.step()
    if it % 60 == 0:
        print(f"iteration {it} query loss {total:.3f} held out before %.3f after five steps %.3f" % evaluate(held_out))
