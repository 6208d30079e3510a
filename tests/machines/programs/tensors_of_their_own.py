"""Subclasses of Tensor: one that hears torch functions, one that wraps another tensor and hears its operations; a mode of
each kind; a parameter of a subclass."""

import torch
from ending import ending
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

torch.manual_seed(0)


class Named(torch.Tensor):
    heard = 0

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        Named.heard += 1
        return super().__torch_function__(function, types, args, kwargs or {})


class Wrapped(torch.Tensor):
    heard = 0

    @staticmethod
    def __new__(cls, inner):
        return torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype, device=inner.device)

    def __init__(self, inner):
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        Wrapped.heard += 1

        def take(value):
            return value.inner if isinstance(value, Wrapped) else value

        return function(*tree_map(take, args), **tree_map(take, kwargs or {}))


class Weights(nn.Parameter):
    pass


class Heard(TorchFunctionMode):
    count = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        Heard.count += 1
        return function(*args, **(kwargs or {}))


class Dispatched(TorchDispatchMode):
    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        Dispatched.count += 1
        return function(*args, **(kwargs or {}))


x = torch.randn(256, 16)
y = (x[:, :4].sum(1) > 0).long()
for kind in (Named, Wrapped):
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
    model[0].weight = Weights(model[0].weight.detach().clone())
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(3):
        for rows in torch.randperm(256).split(32):
            batch = x[rows].as_subclass(Named) if kind is Named else Wrapped(x[rows])
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(batch), y[rows])
            loss.backward()
            optimizer.step()
    ending(model, loss.as_subclass(torch.Tensor), Named.heard, Wrapped.heard)
for mode in (Heard, Dispatched):
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(3):
        for rows in torch.randperm(256).split(32):
            optimizer.zero_grad()
            with mode():
                loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
    ending(model, loss, mode.count)
