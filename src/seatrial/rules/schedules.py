"""How schedules were stepped: how often, in which order, how far their plan reaches, what they did to the rate."""

from __future__ import annotations

import ast
import math
import re
from bisect import bisect_right
from dataclasses import dataclass

from seatrial.events import CallSeen, LoaderIterated, SchedulerBuilt
from seatrial.history import Run, Series
from seatrial.rules.expressions import counts
from seatrial.rules.lines import last_name, loops_around, names_in, nodes
from seatrial.rules.turns import Made, made

_COUNTS = re.compile(
    r"(current_|global_|n_|num_)?(epochs?|ep|steps?|iters?|iterations?|batch_idx)(_idx|_num)?", re.IGNORECASE
)
# The setting that says over how many of its steps a schedule is planned.
HORIZONS = ("total_steps", "T_max", "total_iters", "step_size", "milestones")


@dataclass(frozen=True, slots=True)
class Pace:
    """A schedule and how it was stepped.

    made        its own steps; `before` of them before the first step of its optimizer
    steps       steps of its optimizer after it was built
    horizon     the number of its steps that it is planned for (the first decay, for StepLR), nan if it does not say
    epochs      how often the training data were gone through, nan if that is not known
    first_run   how many of its steps came in a row before the optimizer's first step"""

    scheduler: SchedulerBuilt
    made: int
    before: int
    steps: int
    horizon: float
    epochs: float
    calls: tuple[int, ...]

    @property
    def steps_each(self) -> float:
        """Optimizer steps for each step of the schedule."""
        return self.steps / self.made if self.made else math.inf


def paces(run: Run) -> list[Pace]:
    """The schedules that are stepped by the user's code (not those inside of another one)."""
    inner = {
        int(number)
        for built in run.schedulers.values()
        for number in str(built.settings.get("schedulers", "")).split(", ")
        if number.isdigit()
    }
    return [_pace(run, built) for number, built in run.schedulers.items() if number not in inner]


def _pace(run: Run, built: SchedulerBuilt) -> Pace:
    own: list[Made] = []
    before = steps = 0
    for one in made(run):
        if one.call.kind == "schedule" and one.call.subject == built.scheduler:
            own.append(one)
            before += one.weight * one.count if not steps else 0
        elif one.call.kind == "step" and one.call.subject == built.optimizer and one.tick >= built.tick:
            steps += one.weight * one.count
    count = sum(one.weight * one.count for one in own)
    calls = tuple(dict.fromkeys(one.call.call for one in own))
    return Pace(built, count, before, steps, _horizon(built), epochs(run), calls)


def _horizon(built: SchedulerBuilt) -> float:
    for name in HORIZONS:
        value = built.settings.get(name)
        if isinstance(value, str):
            parts = [part for part in value.split(", ") if part.isdigit()]
            return float(parts[-1]) if parts else math.nan
        if isinstance(value, int | float) and value > 0:
            return float(value)
    return math.nan


def epochs(run: Run) -> float:
    """How often the loader that is trained on most was iterated; nan without a loader."""
    used = [use for use in run.every(LoaderIterated) if use.training_ticks]
    most = max(used, key=lambda use: use.training_ticks, default=None)
    return float(most.iterations) if most is not None else math.nan


def rates(run: Run, optimizer: int) -> Series | None:
    """The learning rate of the first param group as it changed."""
    return run.settings.get((optimizer, 0, "lr"))


def rate_at(series: Series, tick: float) -> float:
    """The rate in force at a tick."""
    at = bisect_right(series.ticks, tick) - 1
    return series.values[max(at, 0)]


def is_counter(run: Run, call: CallSeen, word: str) -> bool:
    """Whether a name counts epochs or steps: it says so, or a loop around the line counts by it."""
    if _COUNTS.fullmatch(word):
        return True
    loops = [loop for loop in loops_around(run, call.where) if isinstance(loop, ast.For)] if call.where else []
    return any(isinstance(loop.target, ast.Name) and loop.target.id == word and counts(loop.iter) for loop in loops)


def argument_words(run: Run, call: CallSeen) -> list[str]:
    """The names in what a schedule's step() is given."""
    place = call.where
    if place is None:
        return []
    calls = [node for node in nodes(run, place.file) if isinstance(node, ast.Call) and node.lineno == place.line]
    given = [node.args[0] for node in calls if last_name(node.func) == "step" and node.args]
    passed = {"item", "detach", "mean", "np", "torch", "sum", "len", "self"}
    return [word for argument in given for word in sorted(names_in(argument) - passed)]
