"""The gradients of a whole network: untrained and after some steps, without regularisation first and then with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from seatrial.events import StepChecked
from seatrial.step.capture import Call
from seatrial.step.recorded import Recorded, unregularised
from seatrial.trials.fork import Fork
from seatrial.trials.gradients.checking import Limits
from seatrial.trials.gradients.report import GradientReport
from seatrial.trials.gradients.whole import check_step
from seatrial.trials.plan import Plan

# Elements of a tensor that are looked at, and steps after which the network is looked at again.
ELEMENTS = 100
TRAINED_STEPS = 20


def network_gradients(plan: Plan, seconds: float, tell: Callable[[str], None]) -> Iterator[StepChecked]:
    """Check the step of a plan at its own parameters and at those of a fork that was trained.

    Raises:
        NotReplayable, NotCheckable: the step cannot be forked, or its loss is no smooth function in float64.
    """
    step = plan.step
    states: list[tuple[str, list[torch.Tensor] | None]] = [("untrained", None)]
    fork = Fork(plan)
    if all(abs(loss) < float("inf") for loss in fork.train(TRAINED_STEPS)):
        states.append((f"after {TRAINED_STEPS} steps", fork.values))
    ways = (False, True) if _regularises(step) else (False,)
    limits = Limits(ELEMENTS, seconds / (len(states) * len(ways)))
    for when, values in states:
        for regularised in ways:
            tell(f"the gradients of the network, {when}")
            report = check_step(step, limits, regularised=regularised, values=values)
            yield _event(step, when, regularised, report)


def _regularises(step: Recorded) -> bool:
    """Whether the step has dropout."""
    dropped = [call for call in step.program if isinstance(call, Call) and call.drew]
    return any(unregularised(call, (None,), {}) is not NotImplemented for call in dropped if "dropout" in call.op)


def _event(step: Recorded, when: str, regularised: bool, report: GradientReport) -> StepChecked:
    wrong = [each for each in report.comparisons if not each.ok]
    worst = max(wrong or report.comparisons, key=lambda each: each.overall, default=None)
    return StepChecked(
        tick=step.seen.tick,
        call=step.seen.call,
        when=when,
        regularised=regularised,
        tensors=len(report.comparisons),
        elements=sum(each.elements for each in report.comparisons),
        excluded=sum(each.excluded for each in report.comparisons),
        differing=sum(each.differing for each in wrong),
        worst=worst.name if worst is not None else "",
        relative_error=worst.overall if worst is not None else 0.0,
        sentence=worst.sentence if wrong and worst is not None else "",
        cut=tuple(each.name for each in report.comparisons if each.deliberate),
    )
