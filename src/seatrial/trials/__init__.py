"""Active experiments on recorded steps, made on copies after the script has ended. They only measure; rules judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from seatrial.events import GradientChecked, NotLookedAt, Probe
from seatrial.step.capture import Call
from seatrial.step.recorded import Recorded

# Experiments on all steps together may take so long, and are made on steps of at most so many calls.
MOST_SECONDS = 3.0
MOST_CALLS = 4000


def probes(steps: list[Recorded]) -> Iterator[Probe | GradientChecked | NotLookedAt]:
    """What the experiments say, step by step, until the time is used up."""
    from seatrial.trials.gradients.steps import wrong_gradients
    from seatrial.trials.independence import examples_mixed
    from seatrial.trials.influence import inputs_ignored, order_matters

    trials: tuple[Callable[[Recorded], Iterator[Probe | GradientChecked | NotLookedAt]], ...] = (
        examples_mixed,
        inputs_ignored,
        order_matters,
        wrong_gradients,
    )
    end = time.monotonic() + MOST_SECONDS
    for step in steps:
        calls = sum(isinstance(origin, Call) for origin in step.program)
        if calls > MOST_CALLS:
            yield NotLookedAt("experiments on a step", f"it has {calls} calls, more than {MOST_CALLS}")
            continue
        for trial in trials:
            if time.monotonic() > end:
                yield NotLookedAt("experiments on later steps", f"{MOST_SECONDS:g} s were used up")
                return
            try:
                yield from trial(step)
            except Exception as error:
                what = trial.__name__.replace("_", " ")
                yield NotLookedAt(f"the experiment '{what}'", f"{type(error).__name__}: {str(error)[:200]}")
