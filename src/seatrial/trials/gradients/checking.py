"""The gradient check of a pure function of tensors: compare, exclude kinks, name the slip."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import torch

from seatrial.trials.gradients.case import Case, Slip
from seatrial.trials.gradients.comparing import Compared, compared
from seatrial.trials.gradients.conditions import undisturbed
from seatrial.trials.gradients.differences import Differences
from seatrial.trials.gradients.evaluation import Evaluator, Function, OutOfTime, Values, on_cpu
from seatrial.trials.gradients.kinks import discretises
from seatrial.trials.gradients.report import Comparison
from seatrial.trials.gradients.slips import NOTHING, PADDING, STRAIGHT, named
from seatrial.trials.gradients.truth import Truth

IDENTITY = "changes the gradient only"


@dataclass(frozen=True, slots=True)
class Limits:
    """elements: of a tensor looked at (drawn at random), all by default; seconds: after which no more is evaluated; sweep:
    whether one element of each tensor is looked at with many step sizes."""

    elements: int | None = None
    seconds: float = float("inf")
    sweep: bool = False


# Step sizes of a sweep, relative to the size of the element (or of its tensor).
_SWEPT = tuple(10.0**-power for power in range(1, 12))


def check(
    function: Function,
    values: Values,
    wanted: list[int] | None = None,
    names: list[str] | None = None,
    weights: list[torch.Tensor] | None = None,
    limits: Limits | None = None,
    inside: bool = True,
) -> list[Comparison]:
    """Compare the gradients of a function's outputs with central differences.

    Args:
        function: computes its floating outputs from float64 tensors; pure but for torch's random numbers.
        values: where to look, float64.
        wanted: numbers of the values to check (all floating ones by default).
        names: of the values, for sentences.
        weights: of the outputs in the sum that is differentiated, i.e. the incoming gradient of a backward pass. By
            default 1 for a scalar, else fixed random numbers.
        inside: custom functions are parts of the function, rather than the function itself.
    Returns:
        One comparison for each wanted value, as far as time allowed.
    Raises:
        NotCheckable: where the function is not a function of its values, or not finite.
        Exception: what the function or its backward pass raises.
    """
    limits = limits or Limits()
    end = time.thread_time() + limits.seconds
    function, values = on_cpu(function, values)
    weights = None if weights is None else [weight.cpu() for weight in weights]
    names = names or [f"input {number}" for number in range(len(values))]
    wanted = [i for i, v in enumerate(values) if v.is_floating_point()] if wanted is None else wanted
    with undisturbed() as state:
        evaluator = Evaluator(function, values, state, weights, end)
        gradients = evaluator.gradients(wanted)
        differences = Differences(evaluator)
        found: list[Compared] = []
        for leaf, gradient in zip(wanted, gradients, strict=True):
            whole = torch.zeros_like(evaluator.values[leaf]) if gradient is None else gradient
            elements = _chosen(whole.numel(), limits.elements)
            try:
                found.append(compared(differences, leaf, whole, elements))
            except OutOfTime:
                break
        comparisons = [_comparison(evaluator, each, found, names, inside) for each in found]
        if limits.sweep:
            pairs = zip(comparisons, found, strict=True)
            comparisons = [replace(each, sweep=_swept(differences, own)) for each, own in pairs]
        return comparisons


def _swept(differences: Differences, own: Compared) -> tuple[tuple[float, float], ...]:
    """The relative error at the worst element by step size: it falls with the step's square until rounding takes over,
    where the gradient is right, and stays where it is wrong."""
    excess = own.excess()
    if not len(excess):
        return ()
    row = int(excess.argmax())
    elements = own.elements[row].repeat(len(_SWEPT))
    value = float(differences.evaluator.values[own.leaf].reshape(-1)[elements[0]])
    rms = float(differences.evaluator.values[own.leaf].square().mean().sqrt())
    scale = max(abs(value), rms) or 1.0
    try:
        found = differences.once(own.leaf, elements, torch.tensor(_SWEPT, dtype=torch.float64) * scale).value
    except OutOfTime:
        return ()
    analytic = float(own.analytic[row])
    errors = [abs(analytic - each) / max(abs(analytic), abs(each), 1e-300) for each in found.tolist()]
    return tuple(zip(_SWEPT, errors, strict=True))


def _chosen(size: int, most: int | None) -> torch.Tensor:
    if most is None or size <= most:
        return torch.arange(size)
    return torch.randperm(size, generator=torch.Generator().manual_seed(3))[:most].sort().values


def _comparison(
    evaluator: Evaluator, own: Compared, found: list[Compared], names: list[str], inside: bool
) -> Comparison:
    differing = int(own.differs.sum())
    slip, deliberate = _judged(evaluator, own, found, names, inside) if differing else (Slip("", ""), "")
    excess = own.excess()
    row = int(excess.argmax()) if len(excess) else 0
    shape = tuple(own.whole.shape)
    worst = tuple(int(i) for i in torch.unravel_index(own.elements[row], shape)) if shape and len(excess) else ()
    kept = ~own.excluded
    larger = max(float(own.analytic[kept].norm()), float(own.numeric[kept].norm()))
    return Comparison(
        leaf=own.leaf,
        name=names[own.leaf],
        shape=shape,
        elements=len(own.elements),
        differing=differing,
        excluded=int(own.excluded.sum()),
        relative_error=float(excess[row]) if len(excess) else 0.0,
        worst=worst,
        analytic=float(own.analytic[row]) if len(excess) else 0.0,
        numeric=float(own.numeric[row]) if len(excess) else 0.0,
        error=float(own.error[row]) if len(excess) else 0.0,
        overall=float((own.analytic - own.numeric)[kept].norm()) / larger if larger > 0 else 0.0,
        slip=slip.kind,
        sentence=slip.sentence,
        deliberate=deliberate,
    )


def _judged(
    evaluator: Evaluator, own: Compared, found: list[Compared], names: list[str], inside: bool
) -> tuple[Slip, str]:
    """What explains a difference, and why it is meant (or "")."""
    flat = own.numeric.abs() <= own.error
    if bool((flat | own.excluded).all()) and _depends(evaluator, own.leaf):
        return Slip(STRAIGHT, "the function is constant but for its jumps, and a gradient is passed through"), STRAIGHT
    value = evaluator.values[own.leaf]
    identity = any(output.shape == value.shape and torch.equal(output, value) for output in evaluator.outputs)
    case = Case(
        own=own,
        value=value,
        others=found,
        names=[names[each.leaf] for each in found],
        values=[evaluator.values[each.leaf] for each in found],
        weights=evaluator.weights,
        truth=Truth(evaluator),
        inside=inside,
    )
    slip = named(case) or Slip("other", "no single slip explains the difference")
    nothing = slip.kind == NOTHING and not bool((own.whole != 0).any())
    if (slip.kind == "other" or nothing) and discretises(evaluator):
        return Slip(STRAIGHT, "a surrogate derivative stands in for that of a function with jumps"), STRAIGHT
    return slip, IDENTITY if identity else slip.kind if slip.kind in (PADDING, STRAIGHT) else ""


def _depends(evaluator: Evaluator, leaf: int) -> bool:
    """Whether the function changes with a tensor at all."""
    value, generator = evaluator.values[leaf], torch.Generator().manual_seed(11)
    scale = float(value.square().mean().sqrt()) or 1.0
    for size in (0.1, 1.0, 10.0):
        values = list(evaluator.values)
        values[leaf] = value + size * scale * torch.randn(value.shape, generator=generator, dtype=torch.float64)
        if evaluator.at(values) != evaluator.base:
            return True
    return False
