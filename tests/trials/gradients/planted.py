"""Planted errors: hand-written backward passes and cut-off paths that are wrong, each with the kind of slip that it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.autograd import Function

Backward = Callable[..., Any]
Planted = tuple[Callable[..., Any], tuple[Any, ...], str]
CASES: dict[str, Callable[[], Planted]] = {}


def planted(name: str, kind: str, *inputs: Callable[[], Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add a case: the decorated function is called with the inputs and has a wrong gradient of that kind."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        assert name not in CASES
        CASES[name] = lambda: (function, tuple(make() for make in inputs), kind)
        return function

    return add


def custom(
    name: str, kind: str, forward: Callable[..., torch.Tensor], backward: Backward, *inputs: Callable[[], Any]
) -> None:
    """Add a case: an autograd function whose forward pass is given and whose backward pass, given the incoming gradient
    and the inputs, is wrong."""

    def forward_(ctx: Any, *values: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(*values)
        return forward(*values)

    def backward_(ctx: Any, gradient: torch.Tensor) -> Any:
        return backward(gradient, *ctx.saved_tensors)

    made = type("Planted", (Function,), {"forward": staticmethod(forward_), "backward": staticmethod(backward_)})
    planted(name, kind, *inputs)(made.apply)


def randn(*shape: int) -> Callable[[], torch.Tensor]:
    return lambda: torch.randn(*shape, requires_grad=True)


def away(*shape: int) -> Callable[[], torch.Tensor]:
    """Positive values, none near zero."""
    return lambda: (torch.rand(*shape) + 0.5).requires_grad_(True)


def changed_at(place: Any, factor: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(gradient: torch.Tensor) -> torch.Tensor:
        gradient = gradient.clone()
        gradient[place] *= factor
        return gradient

    return change


def linear(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return x @ w.T + b


def softmax_backward(g: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    y = x.softmax(1)
    return y * g


def normalised(x: torch.Tensor) -> torch.Tensor:
    return (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True, unbiased=False)


# ---- factors -----------------------------------------------------------------------------------------------------

custom("square without 2", "factor 0.5", lambda x: x * x, lambda g, x: g * x, randn(3, 4))
custom("squared error with 2 twice", "factor 2", lambda x: (x**2).sum(), lambda g, x: 4 * x * g, randn(3, 4))
custom("cube with 2", "factor 0.666667", lambda x: x**3, lambda g, x: 2 * x**2 * g, randn(3, 4))
custom("mean without 1/N", "missing 1/N", lambda x: x.mean(), lambda g, x: g.expand(x.shape), randn(6, 5))
custom(
    "mean over the batch without 1/N", "missing 1/N", lambda x: x.mean(0), lambda g, x: g.expand(x.shape), randn(6, 5)
)
custom(
    "squared error divided by the batch alone",
    "missing 1/N",
    lambda x: (x**2).mean(),
    lambda g, x: 2 * x * g / 6,
    randn(6, 5),
)
custom("sum divided by N", "extra 1/N", lambda x: (x**2).sum(), lambda g, x: 2 * x * g / 6, randn(6, 5))
custom(
    "weight gradient averaged",
    "extra 1/N",
    lambda x, w: x @ w,
    lambda g, x, w: (g @ w.T, x.T @ g / len(x)),
    randn(7, 4),
    randn(4, 3),
)
custom("a thousandth too large", "factor 1.001", torch.sin, lambda g, x: 1.001 * x.cos() * g, randn(3, 4))
custom("a hundred thousandth too large", "factor 1.00003", torch.exp, lambda g, x: 1.00003 * x.exp() * g, randn(3, 4))
custom("log to base 10", "factor 2.30259", torch.log10, lambda g, x: g / x, away(3, 4))

# ---- signs -------------------------------------------------------------------------------------------------------

custom("cosine", "sign", torch.cos, lambda g, x: x.sin() * g, randn(3, 4))
custom("reciprocal", "sign", torch.reciprocal, lambda g, x: g / x**2, away(3, 4))
custom("difference", "sign", lambda x, y: x - y, lambda g, x, y: (g, g), randn(3, 4), randn(3, 4))
custom("negative part of abs", "sign for some", torch.abs, lambda g, x: g, randn(3, 4))

# ---- places ------------------------------------------------------------------------------------------------------

custom(
    "square matrix transposed",
    "transposed",
    lambda x, w: x @ w,
    lambda g, x, w: (g @ w.T, g.T @ x),
    randn(5, 4),
    randn(4, 4),
)
custom(
    "reshaped for transposed",
    "transposed",
    lambda x, w: x @ w,
    lambda g, x, w: (g @ w.T, (g.T @ x).reshape(w.shape)),
    randn(5, 4),
    randn(4, 3),
)
custom(
    "flipped kernel",
    "flipped",
    lambda w: nn.functional.conv1d(torch.arange(12.0).double().sin().reshape(1, 1, 12), w),
    lambda g, w: nn.functional.conv1d(torch.arange(12.0).double().sin().reshape(1, 1, 12), g).flip(2),
    randn(1, 1, 3),
)
custom("off by one", "shifted", lambda x: x**2, lambda g, x: (2 * x * g).roll(1, 1), randn(3, 5))
custom("gather without its order", "misplaced", lambda x: x[:, [2, 0, 3, 1]], lambda g, x: g, randn(3, 4))
custom("exchanged results", "exchanged", lambda x, y: x * y, lambda g, x, y: (x * g, y * g), randn(3, 4), randn(3, 4))

# ---- sums over broadcast axes ------------------------------------------------------------------------------------

custom(
    "bias of the first example",
    "missing sum",
    linear,
    lambda g, x, w, b: (g @ w, g.T @ x, g[0]),
    randn(6, 4),
    randn(3, 4),
    randn(3),
)
custom(
    "scale of the last position",
    "missing sum",
    lambda x, s: x * s,
    lambda g, x, s: (g * s, (g * x).sum(0)[-1]),
    randn(3, 5, 4),
    randn(4),
)
custom(
    "bias averaged over examples",
    "extra 1/N",
    linear,
    lambda g, x, w, b: (g @ w, g.T @ x, g.mean(0)),
    randn(6, 4),
    randn(3, 4),
    randn(3),
)

# ---- what is left out --------------------------------------------------------------------------------------------

custom(
    "incoming gradient forgotten",
    "incoming gradient left out",
    lambda x: x.tanh(),
    lambda g, x: 1 - x.tanh() ** 2,
    randn(3, 4),
)
custom(
    "incoming gradient clipped",
    "not linear",
    lambda x: x.tanh(),
    lambda g, x: ((1 - x.tanh() ** 2) * g).clamp(-0.1, 0.1),
    randn(3, 4),
)
custom("passed on as it came", "local derivative left out", torch.sigmoid, lambda g, x: g, randn(3, 4))
custom(
    "scale forgotten", "factor left out", lambda x, s: x * s, lambda g, x, s: (g, (g * x).sum(0)), randn(5, 3), away(3)
)
custom("sigmoid without 1 - y", "other", torch.sigmoid, lambda g, x: x.sigmoid() * g, randn(3, 4))
custom("output's factor forgotten", "factor left out", lambda x: (x * x).exp(), lambda g, x: 2 * x * g, randn(3, 4))
custom(
    "softmax without its sum",
    "missing path",
    lambda x: x.exp() / x.exp().sum(1, keepdim=True),
    softmax_backward,
    randn(3, 4),
)
custom("centring without its mean", "local derivative left out", lambda x: x - x.mean(0), lambda g, x: g, randn(5, 4))
custom(
    "normalising as if statistics were constant",
    "missing path",
    normalised,
    lambda g, x: g / x.std(1, keepdim=True, unbiased=False),
    randn(5, 4),
)
custom(
    "product of both paths",
    "missing path",
    lambda x: x.sin() * x.exp(),
    lambda g, x: g * x.cos() * x.exp(),
    randn(3, 4),
)
custom("weight decay within", "term too many", lambda w: w.sin(), lambda g, w: w.cos() * g + 0.01 * w, randn(4, 3))
custom(
    "no gradient for the second",
    "detached path",
    lambda x, y: x * y,
    lambda g, x, y: (g * y, None),
    randn(3, 4),
    randn(3, 4),
)

# ---- masks and single places -------------------------------------------------------------------------------------

custom("ReLU without its mask", "mask", torch.relu, lambda g, x: g, randn(4, 5))
custom("leaky slope forgotten", "mask", lambda x: torch.where(x > 0, x, 0.1 * x), lambda g, x: g * (x > 0), randn(4, 5))
custom(
    "first column forgotten",
    "mask",
    torch.sin,
    lambda g, x: changed_at((slice(None), 0), 0.0)(g * x.cos()),
    randn(4, 5),
)
custom("one element forgotten", "mask", torch.sin, lambda g, x: changed_at((2, 3), 0.0)(g * x.cos()), randn(4, 5))
custom(
    "one element by a tenth of a per cent",
    "factor 1.001 for some",
    torch.sin,
    lambda g, x: changed_at((1, 2), 1.001)(g * x.cos()),
    randn(4, 5),
)
custom(
    "twice for large values",
    "factor 2 for some",
    torch.sin,
    lambda g, x: torch.where(x > 1, 2.0, 1.0) * g * x.cos(),
    randn(6, 5),
)
custom(
    "Huber with the wrong slope",
    "factor 2 for some",
    lambda x: torch.where(x.abs() < 1, x**2 / 2, x.abs() - 0.5),
    lambda g, x: g * torch.where(x.abs() < 1, x, 2 * x.sign()),
    randn(6, 5),
)
custom(
    "last example of the batch",
    "mask",
    lambda x, w: x @ w,
    lambda g, x, w: (changed_at(-1, 0.0)(g @ w.T), x.T @ g),
    randn(5, 3),
    randn(3, 2),
)
custom(
    "each row by its number",
    "factor along an axis",
    torch.sin,
    lambda g, x: g * x.cos() * torch.arange(1.0, 5.0)[:, None],
    randn(4, 5),
)
custom(
    "not finite at zero",
    "not finite",
    lambda x: torch.where(x > 0, x**1.5, x.abs() ** 1.5),
    lambda g, x: g * 1.5 * x.sign() * x.abs() / x.abs().sqrt(),
    lambda: torch.tensor([0.0, 1.0, 2.0, -1.0], requires_grad=True),
)


# ---- cut-off paths -----------------------------------------------------------------------------------------------


@planted("a detached factor", "detached path", randn(3, 4))
def detached_factor(x: torch.Tensor) -> torch.Tensor:
    return x.sin() * x.detach().exp()


@planted("statistics without gradients", "detached path", randn(5, 4))
def constant_statistics(x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        mean = x.mean(0)
    return (x - mean) ** 2


@planted(".data on the way", "detached path", randn(5, 4))
def through_data(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x[:, :2].sin(), x[:, 2:].data.cos()], 1)


class HalfDetached(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 5), nn.Linear(5, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.first(x).tanh()
        return self.second(hidden.detach()) + hidden.sum()


class Slipped(nn.Module):
    """A right layer before a function whose backward pass is wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return CASES["square without 2"]()[0](self.linear(x)).sum()


CASES["a path of two in a network"] = lambda: (HalfDetached(), (torch.randn(3, 4),), "detached path")
CASES["a function within a network"] = lambda: (Slipped(), (torch.randn(3, 4),), "factor 0.5")
