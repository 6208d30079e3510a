"""Parameters, their gradients and what a step changes, as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from seatrial.measure.access import local, plain, read, stride_over

# Spreads among units are measured on at most this many evenly spread rows and columns.
MOST_UNITS = 1024


def weight_stats(tensor: Tensor) -> dict[str, float]:
    """mean, std, absmax, norm, row_spread, column_spread as explained at `events.ParameterInfo.stats`.

    Spreads are nan where there are no two units to compare. {} where there is nothing to measure. Of a tensor that is spread over
    processes the part is measured that this one holds.
    """
    if is_lazy(tensor) or tensor.is_meta:
        return {}
    tensor = local(tensor)
    if tensor.numel() == 0 or tensor.layout is not torch.strided:
        return {}
    values = plain(tensor)
    var, mean = torch.var_mean(values, correction=0)
    norm, absmax = torch.linalg.vector_norm(values), _absmax(values)
    spreads = [_spread(values, 0), _spread(values, 1)]
    figures = read([mean, var.sqrt(), absmax, norm, *spreads])
    return dict(zip(("mean", "std", "absmax", "norm", "row_spread", "column_spread"), figures, strict=True))


def _spread(values: Tensor, axis: int) -> Tensor:
    """Greatest deviation of a unit (a slice along `axis`) from the mean unit, relative to absmax; 0 where all are 0."""
    if values.ndim < 2 or values.shape[axis] < 2:
        return values.new_tensor(math.nan)
    other = 1 - axis
    matrix = values.movedim(axis, 0).flatten(1) if values.ndim > 2 else values.movedim(axis, 0)
    matrix = matrix[
        :: stride_over(matrix.shape[0], MOST_UNITS), :: stride_over(matrix.shape[1], MOST_UNITS, values.shape[other])
    ]
    # Relative to the first unit: equal units then give exactly 0, which a mean in floating point would not.
    matrix = matrix - matrix[:1]
    deviation = (matrix - matrix.mean(0)).abs_().amax()
    return torch.nan_to_num(deviation / _absmax(values), nan=0.0)


class LookColumns(NamedTuple):
    """Columns of `events.Look`, one entry a parameter."""

    weight_norm: tuple[float, ...]
    gradient_norm: tuple[float, ...]
    gradient_absmax: tuple[float, ...]
    zero_share: tuple[float, ...]
    nonfinite: tuple[int, ...]
    update_norm: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Before:
    """What is known before an optimizer's step: copies of the weights, and figures of the gradients (not read yet)."""

    weights: list[Tensor]
    gradients: list[Tensor | None]
    figures: list[Tensor]


def before(parameters: Sequence[Tensor]) -> Before:
    """Keep what a look needs from before the step. Nothing is transferred, a GPU is not waited for.

    Costs a copy of the parameters until `look`."""
    return with_gradients([local(parameter).clone() for parameter in parameters], parameters)


def with_gradients(weights: list[Tensor], parameters: Sequence[Tensor]) -> Before:
    """What is known of the weights before a step, and of the gradients that there are now: a closure makes them within it."""
    gradients = [_dense(parameter.grad) for parameter in parameters]
    present = [gradient for gradient in gradients if gradient is not None]
    zeros = [gradient.numel() - torch.count_nonzero(gradient) for gradient in present]
    return Before(weights, gradients, [*_norms(present), *map(_absmax, present), *zeros])


def look(parameters: Sequence[Tensor], kept: Before) -> LookColumns:
    """A full look after the step: one transfer to the host (one more where a gradient is not finite)."""
    now = [local(parameter) for parameter in parameters]
    changes = [_difference(new, old) for new, old in zip(now, kept.weights, strict=True)]
    count = len(now)
    figures = read([*_norms(now), *_norms(changes), *kept.figures])
    weight_norm, update_norm, rest = figures[:count], figures[count : 2 * count], figures[2 * count :]
    third = len(rest) // 3
    columns = iter(zip(rest[:third], rest[third : 2 * third], rest[2 * third :], strict=True))
    gradients: list[tuple[float, float, float, int]] = []
    for parameter, gradient in zip(now, kept.gradients, strict=True):
        if gradient is None:
            gradients.append((math.nan, math.nan, math.nan, 0))
            continue
        norm, absmax, zeros = next(columns)
        size = max(1, parameter.numel())
        zeros += max(0, parameter.numel() - gradient.numel())  # what a sparse gradient leaves out is 0
        bad = 0 if math.isfinite(absmax) else gradient.numel() - int(torch.isfinite(gradient).sum())
        gradients.append((norm, absmax, zeros / size, bad))
    gradient_norm, gradient_absmax, zero_share, nonfinite = zip(*gradients, strict=True) if gradients else ((),) * 4
    return LookColumns(tuple(weight_norm), gradient_norm, gradient_absmax, zero_share, nonfinite, tuple(update_norm))


def holding(parameters: Sequence[Tensor]) -> list[bool]:
    """Whether the gradient of each parameter holds anything but zeros (for `events.Look.stale`). One transfer."""
    gradients = [_dense(parameter.grad) for parameter in parameters]
    present = [gradient for gradient in gradients if gradient is not None]
    norms = iter(read([_absmax(gradient) for gradient in present]))
    return [gradient is not None and next(norms) != 0 for gradient in gradients]


def inner(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """g . h, |g|^2 and |h|^2 of two gradients given by their parts, as one tensor of 3 on the device of the first part.

    Nothing is transferred from a device."""
    totals = [torch.zeros(3, device=first[0].device, dtype=torch.float64 if first[0].is_cpu else torch.float32)]
    for one, other in zip(first, second, strict=True):
        a, b = plain(_values(one)).reshape(-1), plain(_values(other)).reshape(-1)
        if a.shape == b.shape:
            totals.append(torch.stack([a.dot(b), a.dot(a), b.dot(b)]).to(totals[0]))
    return torch.stack(totals).sum(0)


def _values(gradient: Tensor) -> Tensor:
    return gradient.to_dense() if gradient.layout is not torch.strided else gradient


def _dense(gradient: Tensor | None) -> Tensor | None:
    """The values that a gradient holds (of a sparse one: those that it names, each once)."""
    if gradient is None:
        return None
    gradient = local(gradient)
    if gradient.layout is torch.sparse_coo:
        return gradient.coalesce().values()
    return gradient


def _difference(new: Tensor, old: Tensor) -> Tensor:
    return new - old if new.shape == old.shape else new.new_full((1,), math.nan)


def _norms(tensors: list[Tensor]) -> list[Tensor]:
    """Euclidean norms as 0-dimensional tensors, accumulated in at least 32 bits; 0 for an empty tensor."""
    if not tensors:
        return []
    wide = (torch.float32, torch.float64)
    if all(tensor.dtype in wide and tensor.layout is torch.strided and tensor.numel() for tensor in tensors):
        return list(torch._foreach_norm(tensors, 2.0))  # pyright: ignore[reportPrivateImportUsage]
    return [torch.linalg.vector_norm(plain(tensor)) if _measurable(tensor) else _nothing(tensor) for tensor in tensors]


def _absmax(tensor: Tensor) -> Tensor:
    """The greatest absolute value (nan if there is one). Five times faster than a norm of infinite order."""
    if not _measurable(tensor):
        return _nothing(tensor)
    low, high = torch.aminmax(plain(tensor))
    return torch.maximum(-low, high)


def _measurable(tensor: Tensor) -> bool:
    return tensor.layout is torch.strided and tensor.numel() > 0


def _nothing(tensor: Tensor) -> Tensor:
    return torch.zeros((), device=tensor.device)
