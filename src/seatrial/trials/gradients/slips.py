"""What kind of slip explains an analytic gradient that is not the numerical one: hypotheses, each a prediction of the analytic
gradient that fits or does not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import combinations, permutations

import torch

from seatrial.numbers import decimal
from seatrial.trials.gradients.case import (
    ACCURACY,
    Case,
    Slip,
    is_numeric,
    numeric_whole,
    output_names,
    outputs,
    ratio,
    told_factor,
    which,
)

_MOST_SLICES = 64
# The kind of a difference in a whole network that the backward passes of custom functions in it explain.
CUSTOM = "custom function"
PADDING = "padding row"
NOTHING = "detached path"
# A function that is constant but for its jumps, or a clamp, whose backward pass does as if it were not there.
STRAIGHT = "straight-through"


def named(case: Case) -> Slip | None:
    """The first hypothesis that fits, the most certain first. To one or two numbers anything with a free factor fits."""
    few = int(case.alive.sum()) <= 2
    for hypothesis in _HYPOTHESES:
        found = None if few and hypothesis in _FREE else hypothesis(case)
        if found is not None:
            return found
    return None


# ---- hypotheses ----------------------------------------------------------------------------------------------------


def _not_finite(case: Case) -> Slip | None:
    wrong = case.own.analytic[case.own.differs]
    if not bool((~wrong.isfinite()).any()):
        return None
    return Slip("not finite", "it is not finite where the function is smooth")


def _reattached(case: Case) -> Slip | None:
    """With detach(), .data and no_grad() without effect the gradient is right."""
    whole = case.truth.reattached(case.own.leaf)
    if whole is None or not is_numeric(case, case.at(whole)):
        return None
    how = "all of it" if bool((case.own.analytic == 0).all()) else "a part"
    return Slip(NOTHING, f"{how} is lost on a path that detach(), .data or no_grad() cuts off")


def _unpadded(case: Case) -> Slip | None:
    """The row of an embedding that stands for padding has no gradient, by its user's wish."""
    whole = case.truth.unpadded(case.own.leaf)
    if whole is None or not is_numeric(case, case.at(whole)):
        return None
    return Slip(PADDING, "padding rows of an embedding get none")


def _custom(case: Case) -> Slip | None:
    """With custom functions by their forward passes the gradient is right."""
    whole = case.truth.by_forward(case.own.leaf) if case.inside else None
    if whole is None or not is_numeric(case, case.at(whole)):
        return None
    return Slip(CUSTOM, "the backward pass of a custom function explains it")


def _none(case: Case) -> Slip | None:
    if bool((case.own.whole != 0).any()):
        return None
    return Slip(NOTHING, "no gradient arrives (zeros or None), though the value depends on it")


def _ignores_incoming(case: Case) -> Slip | None:
    """A backward pass is linear in the gradient that comes in: twice as much in, twice as much out."""
    own, truth = case.own, case.truth
    doubled, negated = truth.scaled(own.leaf, 2.0), truth.scaled(own.leaf, -1.0)
    if doubled is None or negated is None or not bool((own.whole != 0).any()):
        return None
    if _same(doubled, own.whole) and _same(negated, own.whole):
        return Slip("incoming gradient left out", "the incoming gradient has no effect on it")
    if not _same(doubled, 2 * own.whole) or not _same(negated, -own.whole):
        return Slip("not linear", "it is not in proportion to the incoming gradient")
    return None


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.allclose(one, other, rtol=1e-9, atol=0.0, equal_nan=True)


def _factor(case: Case) -> Slip | None:
    factor = ratio(case, case.alive)
    if factor is None:
        return None
    kind, sentence = told_factor(case, factor)
    # Of one or two numbers only a factor of a known kind says something.
    plain = (
        not kind.startswith("factor") or min(abs(factor - 2), abs(factor - 0.5)) < ACCURACY or int(case.alive.sum()) > 2
    )
    return Slip(kind, sentence) if plain else None


def _arrangement(case: Case) -> Slip | None:
    """The right numbers in wrong places. Only where all elements were looked at."""
    whole = numeric_whole(case)
    if whole is None:
        return None
    for kind, sentence, moved in _arrangements(whole):
        if case.predicts(case.at(moved)) and not torch.equal(moved, whole):
            return Slip(kind, sentence)
    ordered = case.own.analytic[case.alive].sort().values, case.own.numeric[case.alive].sort().values
    distinct = len(ordered[1]) > 2 and bool((ordered[1][1:] != ordered[1][:-1]).all())
    if distinct and torch.allclose(*ordered, rtol=ACCURACY, atol=float(3 * case.own.error.max())):
        return Slip("misplaced", "it holds the right numbers in another order")
    return None


def _exchanged(case: Case) -> Slip | None:
    """The gradient of another input."""
    for other, name in zip(case.others, case.names, strict=True):
        alike = other is not case.own and other.whole.shape == case.own.whole.shape
        if alike and torch.equal(other.elements, case.own.elements) and case.predicts(other.numeric):
            return Slip("exchanged", f"it is the gradient of {name}")
    return None


def _incoming_unchanged(case: Case) -> Slip | None:
    """The derivative of the function itself is left out."""
    for weight in case.weights:
        if weight.shape == case.own.whole.shape and weight.numel() > 1:
            factor = ratio(case, case.alive, case.at(weight))
            if factor is not None:
                times = "" if abs(factor - 1) < ACCURACY else f"{decimal(factor)} times "
                return Slip(
                    "local derivative left out", f"it is {times}the incoming gradient, unchanged by the function"
                )
    return None


def _operand(case: Case) -> Slip | None:
    """A factor too many or missing that is one of the inputs, or the output's own value."""
    for name, value in zip((*case.names, *output_names(case)), (*case.values, *outputs(case)), strict=True):
        try:
            factor = case.at(value.expand(case.own.whole.shape))
        except RuntimeError:
            continue
        if value.numel() < 2 or bool((factor == 0).any()) or bool((factor == factor[0]).all()):
            continue
        if ratio(case, case.alive, case.own.numeric * factor) is not None:
            return Slip("factor too many", f"it is multiplied once too often by {name}")
        if ratio(case, case.alive, case.own.numeric / factor) is not None:
            return Slip("factor left out", f"the factor {name} is left out")
    return None


def _slices(case: Case) -> Slip | None:
    """One slice of a sum over a broadcast axis in the place of the sum."""
    for output, weight in enumerate(case.weights):
        for axis in range(weight.ndim):
            size = weight.shape[axis]
            if not 1 < size <= _MOST_SLICES:
                continue
            for index in {0: 0, size - 1: size - 1} | {i: i for i in range(size)}:
                mask = torch.zeros_like(weight)
                mask.select(axis, index).fill_(1.0)
                part = case.truth.gradient(case.own.leaf, output, mask)
                if part is None:
                    return None
                if case.predicts(case.at(part)):
                    return Slip(
                        "missing sum", f"it is slice {index} of axis {axis} of the output where the sum is wanted"
                    )
    return None


def _left_out_path(case: Case) -> Slip | None:
    """The gradient through one or two arguments of calls of the forward pass is missing."""
    for calls, whole in case.truth.without_paths(case.own.leaf):
        if case.predicts(case.at(whole)):
            return Slip("missing path", f"the path through {calls} is left out")
    return None


def _along_axis(case: Case) -> Slip | None:
    """A factor that depends on the position along one axis only."""
    whole = numeric_whole(case)
    if whole is None or whole.ndim < 2:
        return None
    analytic = case.own.whole
    for axis in range(whole.ndim):
        rest = [d for d in range(whole.ndim) if d != axis]
        factor = (analytic * whole).sum(rest, keepdim=True) / whole.square().sum(rest, keepdim=True)
        if bool(factor.isfinite().all()) and case.predicts(case.at(factor * whole), gain=float(factor.abs().max())):
            first = ", ".join(decimal(k) for k in factor.reshape(-1)[:3].tolist())
            return Slip(
                "factor along an axis", f"it is wrong by a factor for each position on axis {axis}: {first}, ..."
            )
    return None


def _masked(case: Case) -> Slip | None:
    """Zero on some elements, right on the others."""
    wrong = case.own.differs
    if not bool((case.own.analytic[wrong] == 0).all()):
        return None
    return Slip("mask", f"it is zero for {which(case)} and right elsewhere")


def _unmasked(case: Case) -> Slip | None:
    """A gradient where the function is flat. Passed on as it came on both sides of what is right, it is a clamp's that is
    passed over on purpose."""
    own, wrong = case.own, case.own.differs
    if not bool((own.numeric[wrong].abs() <= own.error[wrong]).all()):
        return None
    value, right = case.at(case.value), case.alive & ~wrong
    both = bool(right.any()) and bool(
        (value[wrong] < value[right].min()).any() and (value[wrong] > value[right].max()).any()
    )
    if both and any(w.shape == own.whole.shape and case.predicts(case.at(w), wrong) for w in case.weights):
        return Slip(STRAIGHT, "beyond the bounds of a clamp the incoming gradient is passed through")
    return Slip("mask", f"it lets a gradient through for {which(case)}, where the function is flat")


def _partly_factor(case: Case) -> Slip | None:
    """A factor on some elements, right on the others."""
    wrong = case.own.differs
    factor = ratio(case, wrong)
    if factor is None or not bool((case.alive & ~wrong).any()):
        return None
    kind, sentence = told_factor(case, factor)
    return Slip(f"{kind} for some", f"for {which(case)} {sentence}, elsewhere it is right")


def _decay(case: Case) -> Slip | None:
    """The residual is proportional to the tensor's own value."""
    residual, value = case.own.analytic - case.own.numeric, case.at(case.value)
    rows = ~case.own.excluded
    size = float((value[rows] ** 2).sum())
    factor = float((residual[rows] * value[rows]).sum()) / size if size > 0 else 0.0
    if factor == 0.0 or not case.predicts(case.own.numeric + factor * value):
        return None
    return Slip("term too many", f"{decimal(factor)} times the value itself is added (a decay)")


def _constant_residual(case: Case) -> Slip | None:
    """The residual is one number, or one number along an axis: the path through a mean or a sum."""
    whole = numeric_whole(case)
    if whole is None or whole.numel() < 3:
        return None
    residual = case.own.whole - whole
    sizes = range(1, whole.ndim + 1)
    for dims in (dims for size in reversed(sizes) for dims in combinations(range(whole.ndim), size)):
        if math.prod(whole.shape[d] for d in dims) < 3:
            continue
        if case.predicts(case.at(whole + residual.mean(dims, keepdim=True))):
            where = "all elements" if len(dims) == whole.ndim else f"all positions on axis {dims[0]}"
            return Slip(
                "missing path", f"it is off by the same amount for {where}: the path through a sum or a mean is missing"
            )
    return None


_HYPOTHESES: tuple[Callable[[Case], Slip | None], ...] = (
    _not_finite,
    _unpadded,
    _reattached,
    _custom,
    _none,
    _factor,
    _decay,
    _ignores_incoming,
    _arrangement,
    _exchanged,
    _masked,
    _unmasked,
    _partly_factor,
    _operand,
    _incoming_unchanged,
    _slices,
    _left_out_path,
    _along_axis,
    _constant_residual,
)
_FREE = (_decay, _operand, _incoming_unchanged, _along_axis, _constant_residual)


def _arrangements(whole: torch.Tensor) -> Iterator[tuple[str, str, torch.Tensor]]:
    shape = whole.shape
    axes = [axis for axis in range(whole.ndim) if shape[axis] > 1]
    for one, other in combinations(axes, 2):
        moved = whole.transpose(one, other)
        yield "transposed", f"axes {one} and {other} are exchanged", moved.reshape(shape)
    for order in permutations(range(whole.ndim)) if 2 < whole.ndim < 5 else ():
        yield "transposed", f"its axes are in the order {list(order)}", whole.permute(order).reshape(shape)
    for size in range(1, len(axes) + 1):
        for dims in combinations(axes, size):
            yield "flipped", f"it is reversed along axis {', '.join(map(str, dims))}", whole.flip(dims)
    for axis in axes:
        for shift in (1, -1):
            yield "shifted", f"it is shifted by one along axis {axis}", whole.roll(shift, axis)
