"""Is a suspected fault the cause? Trains forks of the script's training with and without it, and a control.

After the idea of an intervention (J. Pearl, *Causality*, 2009, chapter 3): all but the suspected cause is kept as it was, down
to the random numbers, so that what differs in the end is its effect.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from seatrial.events import Forked
from seatrial.findings import Mend
from seatrial.step.generators import unmoved
from seatrial.step.replay import NotReplayable
from seatrial.trials.fork import AS_IT_IS, Fork, Forward
from seatrial.trials.plan import Plan

# Seeds of the forks; with fewer than the least an interval says nothing.
SEEDS = 4
FEWEST_SEEDS = 3
MOST_STEPS = 150
FEWEST_STEPS = 12
# A mend that has nothing to do with most faults: if it helps as much, what helps is any change.
CONTROLS = (Mend("learning rate x 0.3", rate=0.3), Mend("learning rate x 3", rate=3.0))


def forked(plan: Plan, name: str, mend: Mend, seconds: float, tell: Callable[[str], None]) -> Forked:
    """Train the forks within some seconds.

    Raises:
        NotReplayable: the training cannot be forked, or would take too long.
    """
    with unmoved():
        forks = _Forks(plan, name, mend, seconds, tell)
        chosen = forks.best() if mend.others else mend
        control = CONTROLS[1] if mend.rate < 1 else CONTROLS[0]
        for seed in range(1, forks.seeds + 1):
            for each in (AS_IT_IS, chosen, control):
                forks.train(each, seed)
    return Forked(
        name=name,
        fix=chosen.fix,
        steps=forks.steps,
        start=forks.start,
        without=forks.ends(AS_IT_IS),
        mended=forks.ends(chosen),
        control_fix=control.fix,
        control=forks.ends(control),
        without_curve=forks.curve(AS_IT_IS),
        mended_curve=forks.curve(chosen),
    )


class _Forks:
    """The forks of one suspicion: as many steps and seeds as its seconds allow."""

    def __init__(self, plan: Plan, name: str, mend: Mend, seconds: float, tell: Callable[[str], None]) -> None:
        self.plan = plan
        self.name = name
        self.mend = mend
        self.seconds = seconds
        self.tell = tell
        self.yardstick = Forward(plan, mend)
        self.start = self.yardstick.measure(self.yardstick.start())
        self.steps, self.seeds = self._affordable()
        self._deadline = time.thread_time() + 1.5 * seconds
        self._losses: dict[tuple[str, int], list[float]] = {}
        self._ends: dict[tuple[str, int], float] = {}

    def best(self) -> Mend:
        """The amount that does best with a seed of its own, so that the choice does not flatter the proof."""
        tried = (self.mend, *self.mend.others)
        return min(tried, key=lambda each: self.train(each, 0))

    def train(self, mend: Mend, seed: int) -> float:
        """Train one fork; its loss at the end, by the mended step's measure (infinite where it broke)."""
        self.tell(f"{mend.fix}, {seed} of {self.seeds}, for {self.name}")
        fork = Fork(self.plan, mend, seed)
        losses = fork.train(self.steps, lambda: time.thread_time() < self._deadline)
        if time.thread_time() >= self._deadline:
            raise NotReplayable(f"{self.seconds:.0f} s were not enough")
        broke = bool(losses) and not math.isfinite(losses[-1])
        end = math.inf if broke else self.yardstick.measure(fork.values)
        self._losses[mend.fix, seed] = losses
        self._ends[mend.fix, seed] = end
        return end if math.isfinite(end) else math.inf

    def ends(self, mend: Mend) -> tuple[float, ...]:
        return tuple(self._ends[mend.fix, seed] for seed in range(1, self.seeds + 1))

    def curve(self, mend: Mend) -> tuple[float, ...]:
        return tuple(self._losses[mend.fix, 1])

    def _affordable(self) -> tuple[int, int]:
        """How many steps each fork may train, and with how many seeds."""
        fork = Fork(self.plan, self.mend)
        fork.train(1)
        start = time.thread_time()
        fork.train(2)
        each = (time.thread_time() - start) / 2
        for seeds in (SEEDS, FEWEST_SEEDS):
            steps = int(self.seconds / ((3 * seeds + len(self.mend.others)) * max(each, 1e-6)))
            if steps >= FEWEST_STEPS:
                return min(MOST_STEPS, steps), seeds
        needed = 3 * FEWEST_SEEDS * FEWEST_STEPS * each
        raise NotReplayable(f"{FEWEST_STEPS} steps of its forks would take {needed:.0f} s")
