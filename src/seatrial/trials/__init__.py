"""Active experiments on recorded steps, made on copies after the script has ended. They only measure; rules judge.

`conduct` makes them within a budget of time: first those that only look at a step, then, for what the rules suspect by then,
forks of the training with the fault mended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from seatrial.config import Config
from seatrial.events import Event, NotLookedAt
from seatrial.history import Run
from seatrial.step.capture import Call
from seatrial.step.recorded import Recorded
from seatrial.step.replay import NotReplayable

# Experiments that only look at steps may take so long together, and are made on steps of at most so many calls.
MOST_SECONDS = 3.0
MOST_CALLS = 4000
# One proof may take so long, and so many findings are tried, the most important first.
PROOF_SECONDS = 8.0
MOST_PROOFS = 4
# The ladder of small subsets may take so long.
LADDER_SECONDS = 6.0
SWEEP_SECONDS = 3.0
# Trials may take a quarter of the script's own time, but at least and at most so long.
SHARE = 0.25
LEAST_SECONDS = 10.0
LONGEST_SECONDS = 120.0

Trial = Callable[[Recorded], Iterator[Event]]


@dataclass
class Extent:
    """How much is tried: `name` full | quick (nothing is trained) | off; how long, in seconds; whom to tell what is being done."""

    name: str = "full"
    seconds: float = LEAST_SECONDS
    tell: Callable[[str], None] = lambda text: None
    _start: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        return self.seconds - (time.monotonic() - self._start)


def extent(name: str, script_seconds: float, tell: Callable[[str], None]) -> Extent:
    """The extent of trials for a script that ran so long."""
    return Extent(name, min(LONGEST_SECONDS, max(LEAST_SECONDS, SHARE * script_seconds)), tell)


def conduct(
    steps: dict[int, Recorded], classes: dict[int, Any], so_far: Callable[[], Run], config: Config, given: Extent
) -> Iterator[Event]:
    """What the experiments show, one event after the other.

    Args:
        steps: recorded steps by their backward call.
        classes: of the script's optimizers, by number.
        so_far: reads the record, with all events that were yielded until then.
    """
    if given.name == "off":
        return
    yield from looks(list(steps.values()), given)
    if given.name == "full" and steps:
        yield from trainings(steps, classes, so_far, config, given)


def trainings(
    steps: dict[int, Recorded], classes: dict[int, Any], so_far: Callable[[], Run], config: Config, given: Extent
) -> Iterator[Event]:
    """Experiments that train copies of the main loop's step: proofs of what is suspected first, while there is time."""
    from seatrial.trials.overfitting import overfitted
    from seatrial.trials.plan import plan
    from seatrial.trials.proofs import proofs
    from seatrial.trials.rates import swept
    from seatrial.trials.untrained import untrained

    run = so_far()
    step = steps.get(run.main_call) if run.main_call is not None else None
    if step is None:
        return
    yield from _tried("the loss of the untrained network", lambda: untrained(step, given.tell))
    try:
        known = plan(run, steps, classes)
    except NotReplayable as reason:
        yield NotLookedAt("proofs and a range of learning rates", str(reason))
        known = None
    if known is not None:
        yield from _tried("proofs", lambda: proofs(known, so_far(), config, given))
    ladder = min(LADDER_SECONDS, given.left)
    yield from _tried("overfitting a few examples", lambda: overfitted(step, ladder, given.tell))
    if known is not None:
        sweep = min(SWEEP_SECONDS, given.left)
        yield from _tried("a range of learning rates", lambda: swept(known, sweep, given.tell))


def _tried(what: str, trial: Callable[[], Iterator[Event]]) -> Iterator[Event]:
    """The events of a trial; one that cannot be made costs its own only, and is named among what was not looked at."""
    try:
        yield from trial()
    except NotReplayable as reason:
        yield NotLookedAt(what, str(reason))
    except Exception as error:
        yield NotLookedAt(what, f"{type(error).__name__}: {str(error)[:200]}")


def looks(steps: list[Recorded], given: Extent) -> Iterator[Event]:
    """Experiments that look at each step, until the time is used up."""
    from seatrial.trials.gradients.steps import wrong_gradients
    from seatrial.trials.independence import examples_mixed
    from seatrial.trials.influence import inputs_ignored, order_matters

    trials: tuple[Trial, ...] = (examples_mixed, inputs_ignored, order_matters, wrong_gradients)
    end = time.monotonic() + MOST_SECONDS
    for step in steps:
        calls = sum(isinstance(origin, Call) for origin in step.program)
        if calls > MOST_CALLS:
            yield NotLookedAt("experiments on a step", f"it has {calls} calls, more than {MOST_CALLS}")
            continue
        for trial in trials:
            what = trial.__name__.replace("_", " ")
            if time.monotonic() > end:
                yield NotLookedAt("experiments on later steps", f"{MOST_SECONDS:g} s were used up")
                return
            given.tell(what)
            yield from _tried(f"the experiment '{what}'", partial(trial, step))
