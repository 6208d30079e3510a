"""Is a suspected fault the cause? Trains forks of the script's training with and without it, and a control.

After the idea of an intervention (J. Pearl, *Causality*, 2009, chapter 3): all but the suspected cause is kept as it was, down
to the random numbers, so that what differs in the end is its effect.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch

from seatrial.events import Forked
from seatrial.findings import Mend
from seatrial.step.replay import NotReplayable
from seatrial.trials.fork import AS_IT_IS, Fork, Forward
from seatrial.trials.plan import Plan

SEEDS = 4
MOST_STEPS = 60
FEWEST_STEPS = 12
# A mend that has nothing to do with most faults: if it helps as much, what helps is any change.
CONTROLS = (Mend("learning rate x 0.3", rate=0.3), Mend("learning rate x 3", rate=3.0))


def forked(plan: Plan, name: str, mend: Mend, seconds: float, tell: Callable[[str], None]) -> Forked:
    """Train the forks within some seconds.

    Raises:
        NotReplayable: the training cannot be forked, or would take too long.
    """
    with torch.random.fork_rng(devices=[]):
        steps = _affordable(plan, mend, seconds)
        yardstick = Forward(plan, mend)
        start = yardstick.measure(yardstick.start())
        curves: dict[str, list[float]] = {}
        ends: dict[str, list[float]] = {}
        control = _control(mend)
        end = time.monotonic() + 1.5 * seconds
        for seed in range(SEEDS):
            for each in (AS_IT_IS, mend, control):
                tell(f"{name}: {each.fix}, {seed + 1} of {SEEDS}")
                fork = Fork(plan, each, seed)
                losses = fork.train(steps, lambda: time.monotonic() < end)
                if time.monotonic() >= end:
                    raise NotReplayable(f"{seconds:.0f} s were not enough")
                curves.setdefault(each.fix, losses)
                ends.setdefault(each.fix, []).append(_end(yardstick, fork, losses))
    return Forked(
        name=name,
        fix=mend.fix,
        steps=steps,
        start=start,
        without=tuple(ends[AS_IT_IS.fix]),
        mended=tuple(ends[mend.fix]),
        control_fix=control.fix,
        control=tuple(ends[control.fix]),
        without_curve=tuple(curves[AS_IT_IS.fix]),
        mended_curve=tuple(curves[mend.fix]),
    )


def _control(mend: Mend) -> Mend:
    """A change of the learning rate; of the other direction where the mend itself is one."""
    return CONTROLS[1] if mend.rate < 1 else CONTROLS[0]


def _end(yardstick: Forward, fork: Fork, losses: list[float]) -> float:
    if losses and not math.isfinite(losses[-1]):
        return math.inf
    return yardstick.measure(fork.values)


def _affordable(plan: Plan, mend: Mend, seconds: float) -> int:
    """How many steps each fork may train."""
    fork = Fork(plan, mend)
    fork.train(1)
    start = time.monotonic()
    fork.train(2)
    each = (time.monotonic() - start) / 2
    steps = int(seconds / (3 * SEEDS * max(each, 1e-6)))
    if steps < FEWEST_STEPS:
        raise NotReplayable(f"{FEWEST_STEPS} steps of its forks would take {3 * SEEDS * FEWEST_STEPS * each:.0f} s")
    return min(MOST_STEPS, steps)
