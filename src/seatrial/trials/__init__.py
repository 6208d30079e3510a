"""Active experiments on recorded steps, made on copies after the script has ended. They only measure; rules judge.

`conduct` makes them within a budget of time: first those that only look at a step, then, for what the rules suspect by then,
forks of the training with the fault mended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seatrial.config import Config
from seatrial.events import Event, NotLookedAt
from seatrial.history import Run
from seatrial.step.capture import Call
from seatrial.step.recorded import Recorded

if TYPE_CHECKING:
    import torch

# Experiments that only look at steps may take so long together, and are made on steps of at most so many calls.
MOST_SECONDS = 3.0
MOST_CALLS = 4000
# One proof may take so long, and so many findings are tried, the most important first.
PROOF_SECONDS = 8.0
MOST_PROOFS = 4
# Trials may take a quarter of the script's own time, but at least and at most so long.
SHARE = 0.25
LEAST_SECONDS = 10.0
LONGEST_SECONDS = 120.0

Trial = Callable[[Recorded], Iterator[Event]]


@dataclass
class Extent:
    """How much is tried: `name` full | quick (nothing is trained) | off; how long, in seconds; whom to tell what is being done;
    `fresh` makes the model anew, with an initialisation of its own, where there is a task that knows how."""

    name: str = "full"
    seconds: float = LEAST_SECONDS
    tell: Callable[[str], None] = lambda text: None
    fresh: Callable[[], torch.nn.Module] | None = None
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
        from seatrial.trials.proofs import proofs

        yield from proofs(steps, classes, so_far(), config, given)


def looks(steps: list[Recorded], given: Extent) -> Iterator[Event]:
    """Experiments that look at each step, until the time is used up."""
    from seatrial.trials.independence import examples_mixed
    from seatrial.trials.influence import inputs_ignored, order_matters

    trials: tuple[Trial, ...] = (examples_mixed, inputs_ignored, order_matters)
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
            try:
                yield from trial(step)
            except Exception as error:
                yield NotLookedAt(f"the experiment '{what}'", f"{type(error).__name__}: {str(error)[:200]}")
