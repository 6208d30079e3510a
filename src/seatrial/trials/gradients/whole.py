"""A recorded step as a whole: the gradients of its parameters and inputs against central differences of its loss, on few examples.

What differs there and is no custom function's is a path that the script cuts off, on purpose or not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from seatrial.step.capture import Call, Leaf
from seatrial.step.recorded import Recorded, unregularised
from seatrial.step.replay import Step
from seatrial.trials.gradients.checking import Limits, check
from seatrial.trials.gradients.conditions import InDouble, undisturbed
from seatrial.trials.gradients.report import Comparison, GradientReport, missed
from seatrial.trials.gradients.slips import NOTHING

# So many examples of the batch, where the step works with fewer.
EXAMPLES = 4


def check_step(
    step: Recorded,
    limits: Limits | None = None,
    examples: int = EXAMPLES,
    regularised: bool = True,
    values: list[torch.Tensor] | None = None,
) -> GradientReport:
    """Check the gradients of the step's parameters, and of the inputs that require one, at the values that it had.

    Random numbers (dropout) are those that the step draws in float64; no autocast. The batch is cut to its first examples,
    unless the step fails with fewer.

    Args:
        regularised: with dropout, where the step has any; else without.
        values: of all leaves, other ones than the step had.

    Raises:
        NotReplayable: the values of the step were not kept.
        NotCheckable: its loss is not finite, or not the same twice.
        Exception: what the script's own code raises in float64.
    """
    replay = step.whole()
    kept = [value.detach() for value in values or replay.values()]

    def losses(values: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        with InDouble():
            return replay(values, substitute=_widely if regularised else _plainly)

    values = [value.double() if value.is_floating_point() else value for value in kept]
    fewer = _fewer(step, replay, values, examples)
    values = fewer if _works(losses, fewer) else values
    wanted = [
        number
        for number, leaf in enumerate(replay.leaves)
        if leaf.info.requires_grad and values[number].is_floating_point() and values[number].numel()
    ]
    names = [_name(step, leaf, number) for number, leaf in enumerate(replay.leaves)]
    comparisons = [_allowed(each) for each in check(losses, values, wanted, names, limits=limits)]
    return GradientReport(
        f"the step at tick {step.seen.tick}", tuple(comparisons), (), missed(names, wanted, comparisons)
    )


def _allowed(comparison: Comparison) -> Comparison:
    """What the script cuts off itself is read from its graph, and may be meant."""
    return replace(comparison, deliberate="cut off by the script") if comparison.slip == NOTHING else comparison


def _widely(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A call without autocast; custom functions are looked up anew, as their forward may stand in for them."""
    custom: Any = getattr(call.function, "custom", None)
    with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
        return (call.function if custom is None else custom.apply)(*args, **kwargs)


def _plainly(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """As `_widely`, without dropout."""
    plain = unregularised(call, args, kwargs)
    return _widely(call, args, kwargs) if plain is NotImplemented else plain


def _fewer(step: Recorded, replay: Step, values: list[torch.Tensor], examples: int) -> list[torch.Tensor]:
    """The first examples of all inputs and targets, if their first axes have one length."""
    at = [number for number, leaf in enumerate(replay.leaves) if step.roles.get(id(leaf)) in ("input", "target")]
    sizes = {values[number].shape[0] for number in at if values[number].ndim}
    if len(sizes) != 1:
        return values
    return [value[:examples] if number in at and value.ndim else value for number, value in enumerate(values)]


def _works(losses: Any, values: list[torch.Tensor]) -> bool:
    try:
        with undisturbed(), torch.no_grad():
            return all(bool(loss.isfinite().all()) for loss in losses([value.clone() for value in values]))
    except Exception:
        return False


def _name(step: Recorded, leaf: Leaf, number: int) -> str:
    return leaf.name or f"{step.roles.get(id(leaf)) or 'leaf'} {number}"
