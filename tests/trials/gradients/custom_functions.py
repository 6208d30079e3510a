"""Custom autograd functions as people write them: right ones, and such that give another gradient on purpose. Each entry of
`NETS` makes a network of six inputs and three outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.autograd import Function
from torch.nn import functional as F  # noqa: N812

NETS: dict[str, Callable[[], nn.Module]] = {}


class Between(nn.Module):
    """Something between two linear layers. `own` are parameters that it gets beside the hidden values."""

    def __init__(self, function: Callable[..., torch.Tensor], *own: torch.Tensor) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 8), nn.Linear(8, 3)
        self.function = function
        self.own = nn.ParameterList([nn.Parameter(value) for value in own])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.function(self.first(x), *self.own))


def applied(function: Any) -> Callable[..., Any]:
    """`apply` of a custom function (anything else as it is), looked up when it is called, as it is in a script."""
    owner = getattr(function, "__self__", None)
    return function if owner is None else lambda *args: owner.apply(*args)


def between(name: str, function: Callable[..., torch.Tensor], *own: Callable[[], torch.Tensor]) -> None:
    NETS[name] = lambda: Between(applied(function), *(make() for make in own))


# ---- right ones --------------------------------------------------------------------------------------------------


class Swish(Function):
    """Keeps the input alone and computes the rest anew."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * x.sigmoid()

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        s = x.sigmoid()
        return grad * (s * (1 + x * (1 - s)))


class HandReLU(Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        mask = (x > 0).float()
        ctx.save_for_backward(mask)
        return x * mask

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        return grad * ctx.saved_tensors[0]


class InPlaceReLU(Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        x.clamp_(min=0)
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        return grad * (ctx.saved_tensors[0] > 0)


class HandLinear(Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, w: torch.Tensor, b: torch.Tensor | None = None) -> torch.Tensor:
        ctx.save_for_backward(x, w)
        return x @ w.t() + (b if b is not None else 0)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        x, w = ctx.saved_tensors
        return grad @ w, grad.t() @ x, grad.sum(0) if ctx.needs_input_grad[2] else None


class NewStyle(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: torch.Tensor, power: int) -> torch.Tensor:
        return x**power

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(inputs[0])
        ctx.power = inputs[1]

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        return grad * ctx.power * ctx.saved_tensors[0] ** (ctx.power - 1), None


class TwoResults(Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> Any:
        ctx.save_for_backward(x)
        order = x.argsort(-1)
        ctx.mark_non_differentiable(order)
        return x.sin(), x.cos(), order

    @staticmethod
    def backward(ctx: Any, one: torch.Tensor, two: torch.Tensor, _: Any) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return one * x.cos() - two * x.sin()


class FixedPoint(Function):
    """y = tanh(x + y/2), solved to a tolerance; the gradient is that of the exact solution."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        y = torch.zeros_like(x)
        for _ in range(50):
            new = (x + y / 2).tanh()
            done = (new - y).abs().max() < 1e-3
            y = new
            if done:
                break
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        slope = 1 - ctx.saved_tensors[0] ** 2
        return grad * slope / (1 - slope / 2)


class Recomputed(Function):
    """A checkpoint: the block is run again in the backward pass."""

    @staticmethod
    def forward(ctx: Any, block: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        ctx.block = block
        ctx.save_for_backward(x)
        with torch.no_grad():
            return block(x)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        x = ctx.saved_tensors[0].detach().requires_grad_(True)
        with torch.enable_grad():
            y = ctx.block(x)
        return None, torch.autograd.grad(y, x, grad)[0]


class NoisyUnit(Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, p: float) -> torch.Tensor:
        mask = torch.rand_like(x) > p
        ctx.save_for_backward(mask)
        return x * mask / (1 - p)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        return grad * ctx.saved_tensors[0] / 0.5, None


class ThroughNumpy(Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return torch.from_numpy(__import__("numpy").sin(x.detach().numpy()))

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        return grad * ctx.saved_tensors[0].cos()


class SegmentSum(Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(index)
        return torch.zeros(len(x), 8, dtype=x.dtype).index_add(0, index, x)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        return grad[ctx.saved_tensors[0]], None


class FocalLoss(Function):
    """A fused loss whose gradient is made in the forward pass."""

    @staticmethod
    def forward(ctx: Any, scores: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            inner = scores.detach().requires_grad_(True)
            p = inner.softmax(-1)[:, 0]
            loss = -((1 - p) ** 2 * p.log()).mean()
            ctx.save_for_backward(torch.autograd.grad(loss, inner)[0])
        return loss.detach()

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        return grad * ctx.saved_tensors[0]


class SinglePrecision(Function):
    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x.exp()

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        return grad * ctx.saved_tensors[0].exp()


between("swish", Swish.apply)
between("ReLU by hand", HandReLU.apply)
between("ReLU in place", lambda x: InPlaceReLU.apply(x * 1))
between("linear by hand", HandLinear.apply, lambda: torch.randn(8, 8), lambda: torch.randn(8))
between("linear without bias", lambda x, w: HandLinear.apply(x, w, None), lambda: torch.randn(8, 8))
between("setup_context", lambda x: NewStyle.apply(x, 3))
between("two results and an order", lambda x: TwoResults.apply(x)[0] + TwoResults.apply(x)[1])
between("fixed point", FixedPoint.apply)
between("checkpoint", lambda x: Recomputed.apply(lambda y: y.sin().exp(), x))
between("noise", lambda x: NoisyUnit.apply(x, 0.5))
between("through numpy", ThroughNumpy.apply)
between("segments", lambda x: SegmentSum.apply(x, torch.arange(len(x)) // 2))
between("fused loss", lambda x: x + FocalLoss.apply(x))
between("custom_fwd", SinglePrecision.apply)


# ---- another gradient on purpose ---------------------------------------------------------------------------------


def passing(name: str, forward: Callable[..., torch.Tensor], backward: Callable[..., Any]) -> Any:
    def forward_(ctx: Any, x: torch.Tensor, *more: Any) -> torch.Tensor:
        ctx.save_for_backward(x, *(value for value in more if isinstance(value, torch.Tensor)))
        return forward(x, *more)

    def backward_(ctx: Any, grad: torch.Tensor) -> Any:
        return backward(grad, *ctx.saved_tensors)

    return type(name, (Function,), {"forward": staticmethod(forward_), "backward": staticmethod(backward_)})


Rounded = passing("Rounded", lambda x: (x * 4).round() / 4, lambda g, x: g)
Binarised = passing("Binarised", torch.sign, lambda g, x: g * (x.abs() <= 1))
Spike = passing("Spike", lambda x: (x > 0.2).float(), lambda g, x: g / (1 + 10 * (x - 0.2).abs()) ** 2)
Reversal = passing("Reversal", lambda x: x.view_as(x), lambda g, x: -0.3 * g)
Limited = passing("Limited", lambda x: x.clone(), lambda g, x: g.clamp(-1e-3, 1e-3))
Normed = passing("Normed", lambda x: x * 1, lambda g, x: g / (g.norm() + 1e-8))
ClampPassing = passing("ClampPassing", lambda x: x.clamp(-0.3, 0.3), lambda g, x: g)
LowerBound = passing("LowerBound", lambda x: x.clamp(min=0.1), lambda g, x: g * ((x >= 0.1) | (g < 0)))
OneHot = passing("OneHot", lambda x: F.one_hot(x.argmax(-1), 8).float(), lambda g, x: g)
TopK = passing(
    "TopK", lambda x: x * (x >= x.topk(3, -1).values[:, -1:]), lambda g, x: g * (x >= x.topk(3, -1).values[:, -1:])
)
SafeRoot = passing(
    "SafeRoot", lambda x: x.abs().sqrt(), lambda g, x: (g * x.sign() / (2 * x.abs().sqrt())).clamp(-0.5, 0.5)
)
Nearest = passing("Nearest", lambda x, book: book[torch.cdist(x, book).argmin(1)], lambda g, x, book: (g, None))


class LearnedStep(Function):
    """LSQ: a quantiser with a learned step size (Esser et al. 2020)."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x, step)
        return (x / step).clamp(-4, 3).round() * step

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        x, step = ctx.saved_tensors
        q = x / step
        inside = (q >= -4) & (q <= 3)
        at_step = torch.where(inside, q.round() - q, q.clamp(-4, 3))
        return grad * inside, (grad * at_step).sum().reshape(step.shape)


class SpikingUnit(Function):
    """A neuron: what is left after a spike, with a surrogate derivative of the spike."""

    @staticmethod
    def forward(ctx: Any, v: torch.Tensor) -> torch.Tensor:
        spike = (v > 0.5).float()
        ctx.save_for_backward(v, spike)
        return v * (1 - spike) + spike

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        v, spike = ctx.saved_tensors
        surrogate = 1 / (1 + (torch.pi * (v - 0.5)) ** 2)
        return grad * ((1 - spike) + (1 - v) * surrogate)


for made in (Rounded, Binarised, Spike, Reversal, Limited, Normed, ClampPassing, LowerBound, OneHot, TopK, SafeRoot):
    between(made.__name__, made.apply)
between("Nearest", lambda x, book: Nearest.apply(x, book), lambda: torch.randn(16, 8))
between("LearnedStep", LearnedStep.apply, lambda: torch.tensor(0.2))
between("SpikingUnit", SpikingUnit.apply)
