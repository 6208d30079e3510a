"""Which side wins at each ReLU, maximum, comparison, sorting or rounding: evidence that a step crossed a kink or a jump."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from seatrial.trials.gradients.conditions import by_forward
from seatrial.trials.gradients.evaluation import Evaluator, Values

Arguments: TypeAlias = Sequence[Any]
Sides: TypeAlias = Callable[[Arguments, dict[str, Any], Any], Any]


def _side_of(*bounds: float) -> Sides:
    """On which side of some numbers each element of the first argument lies."""
    edges = torch.tensor(sorted(bounds), dtype=torch.float64)
    return lambda args, kwargs, result: torch.bucketize(args[0].double(), edges)


def _side_of_argument(args: Arguments, kwargs: dict[str, Any], result: Any) -> Any:
    bounds = [value for value in (*args[1:], *kwargs.values()) if value is not None] or [-1.0, 1.0]
    return [args[0] > bound for bound in bounds] + [args[0] < bound for bound in bounds]


def _shrinking(args: Arguments, kwargs: dict[str, Any], result: Any) -> Any:
    bound = args[1] if len(args) > 1 else kwargs.get("lambd", 0.5)
    return args[0].abs() > bound


def _larger(args: Arguments, kwargs: dict[str, Any], result: Any) -> Any:
    return [args[0] > args[1], args[0] < args[1]]


def _extremes(args: Arguments, kwargs: dict[str, Any], result: Any) -> Any:
    """Which elements are the largest or smallest along the reduced axes."""
    dims = args[1] if len(args) > 1 else kwargs.get("dim", ())
    keep = args[2] if len(args) > 2 else kwargs.get("keepdim", False)
    if not keep and dims:
        for dim in sorted(d % args[0].ndim for d in (dims if isinstance(dims, (list, tuple)) else (dims,))):
            result = result.unsqueeze(dim)
    return args[0] == result


def _norm(args: Arguments, kwargs: dict[str, Any], result: Any) -> Any:
    """Of order 1 and infinity: the sign, and which element is the largest. All have a kink at zero."""
    order = args[1] if len(args) > 1 else kwargs.get("p", kwargs.get("ord", 2))
    if order not in (0, 1, float("inf"), -float("inf")):
        return result == 0
    sizes = args[0].abs()
    return [args[0] > 0, args[0] < 0, sizes == sizes.amax(), sizes == sizes.amin()]


def _pairs(args: Arguments, kwargs: dict[str, Any], result: Any) -> Any:
    differences = args[0].unsqueeze(-2) - args[1].unsqueeze(-3)
    return [differences > 0, differences < 0]


def _margins(args: Arguments, kwargs: dict[str, Any], result: Any) -> Any:
    """multi_margin_loss and multilabel_margin_loss: which differences of scores lie inside of the margin."""
    margin = args[3] if len(args) > 3 else kwargs.get("margin", 1.0)
    return args[0].unsqueeze(-1) - args[0].unsqueeze(-2) > margin


def _rounded(args: Arguments, kwargs: dict[str, Any], result: Any) -> Any:
    return result


def _cells(args: Arguments, kwargs: dict[str, Any], result: Any) -> Any:
    """grid_sampler: between which pixels each point lies, whichever way the corners are aligned."""
    grid, size = args[1].double(), torch.tensor(args[0].shape[2:][::-1], dtype=torch.float64)
    return [((grid + 1) * (size - 1) / 2).floor(), (((grid + 1) * size - 1) / 2).floor()]


def _quotient(args: Arguments, kwargs: dict[str, Any], result: Any) -> Any:
    return torch.floor(args[0] / args[1])


_ZERO = _side_of(0.0)
# By the names of operations below autograd. What gives integers or booleans (comparisons, argmax, sort, indices of
# pooling, casts) speaks for itself.
_SIDES: dict[str, Sides] = {
    **dict.fromkeys(
        "relu relu_ leaky_relu prelu _prelu_kernel elu celu selu abs sign sgn heaviside rrelu".split(), _ZERO
    ),
    **dict.fromkeys("rrelu_with_noise rrelu_with_noise_functional".split(), _ZERO),
    **dict.fromkeys("hardtanh clamp clamp_min clamp_max threshold".split(), _side_of_argument),
    **dict.fromkeys("hardswish hardsigmoid".split(), _side_of(-3.0, 3.0)),
    **dict.fromkeys("softshrink hardshrink".split(), _shrinking),
    **dict.fromkeys("maximum minimum fmax fmin".split(), _larger),
    **dict.fromkeys("amax amin max min".split(), _extremes),
    **dict.fromkeys("norm linalg_vector_norm".split(), _norm),
    **dict.fromkeys("cdist _cdist_forward".split(), _pairs),
    **dict.fromkeys("round floor ceil trunc".split(), _rounded),
    **dict.fromkeys("fmod remainder floor_divide".split(), _quotient),
    **dict.fromkeys("multi_margin_loss multilabel_margin_loss_forward multilabel_margin_loss".split(), _margins),
    **dict.fromkeys("grid_sampler_2d grid_sampler_3d _grid_sampler_2d_cpu_fallback".split(), _cells),
}


_DISCRETE = frozenset("round floor ceil trunc sign sgn heaviside bernoulli one_hot argmax argmin".split())
# These look at the result, the others at the arguments, which a call in place overwrites.
_AFTERWARDS = (_extremes, _norm, _rounded)


class Sidedness(TorchDispatchMode):
    """Keeps, call by call, which side won."""

    def __init__(self) -> None:
        super().__init__()
        self.sides: list[torch.Tensor] = []
        self.discrete = False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = str(func.overloadpacket.__name__).removesuffix("_")
        cast = (
            name == "_to_copy" and not args[0].is_floating_point() and kwargs.get("dtype", torch.bool).is_floating_point
        )
        self.discrete |= name in _DISCRETE or cast
        sides = _SIDES.get(name)
        if sides is not None and sides not in _AFTERWARDS:
            self._keep(sides(args, kwargs, None))
            return func(*args, **kwargs)
        result = func(*args, **kwargs)
        if sides is not None and isinstance(result, torch.Tensor):
            self._keep(sides(args, kwargs, result))
        elif any(isinstance(value, torch.Tensor) and value.is_floating_point() for value in args):
            self._keep(result, whole=True)
        return result

    def _keep(self, value: Any, whole: bool = False) -> None:
        """Keep tensors in a result; with `whole` only those of integers and booleans."""
        if isinstance(value, (tuple, list)):
            for part in value:
                self._keep(part, whole)
        elif isinstance(value, torch.Tensor) and not (whole and (value.is_floating_point() or value.is_complex())):
            self.sides.append(value.detach().clone())


def sides_at(evaluator: Evaluator, values: Values) -> list[torch.Tensor]:
    """Which sides win at a point, in the order of the calls."""
    with torch.no_grad(), by_forward(), Sidedness() as seen:
        evaluator.at(values)
    return seen.sides


def discretises(evaluator: Evaluator) -> bool:
    """Whether the function rounds, takes signs, or makes numbers of a comparison."""
    with torch.no_grad(), by_forward(), Sidedness() as seen:
        evaluator.at(evaluator.values)
    return seen.discrete


def switched(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    """Whether any side differs between two points."""
    pairs = zip(one, other, strict=False)
    return len(one) != len(other) or any(a.shape != b.shape or not torch.equal(a, b) for a, b in pairs)
