"""How schedules were stepped: how often, in which order, how far their plan reaches, what they did to the rate."""

from __future__ import annotations

import ast
import math
import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from seatrial.events import CallSeen, LoaderIterated, SchedulerBuilt
from seatrial.history import Run, Series
from seatrial.rules.expressions import counts
from seatrial.rules.lines import last_name, loops_around, names_in, nodes
from seatrial.rules.turns import Made, made, steps

_COUNTS = re.compile(
    r"(current_|global_|n_|num_)?(epochs?|ep|steps?|iters?|iterations?|batch_idx)(_idx|_num)?", re.IGNORECASE
)
# The setting that says over how many of its steps a schedule is planned, or how long one of its cycles is; and where the
# constructor takes it: its name there, and its place after the optimizer.
HORIZONS = ("total_steps", "T_max", "total_iters", "step_size", "T_0", "total_size", "milestones")
_ARGUMENTS = {
    "StepLR": ("step_size", 0),
    "MultiStepLR": ("milestones", 0),
    "CosineAnnealingWarmRestarts": ("T_0", 0),
    "CyclicLR": ("step_size_up", 2),
    "LinearLR": ("total_iters", 2),
}


@dataclass(frozen=True, slots=True)
class Pace:
    """A schedule and how it was stepped.

    made        its own steps; `before` of them before the first step of its optimizer
    steps       steps of its optimizer after it was built
    horizon     the number of its steps that it is planned for (the first decay, for StepLR; the first cycle, for those that
                come round), nan if it does not say
    ends_as     the type of the schedule that is in force at its end: its own, or that of the last one inside; "" if several are
    epochs      how often the training data were gone through, nan if that is not known"""

    scheduler: SchedulerBuilt
    made: int
    before: int
    steps: int
    horizon: float
    epochs: float
    calls: tuple[int, ...]
    ends_as: str

    @property
    def steps_each(self) -> float:
        """Optimizer steps for each step of the schedule."""
        return self.steps / self.made if self.made else math.inf


def paces(run: Run) -> list[Pace]:
    """The schedules that are stepped by the user's code (not those inside of another one)."""
    inner = {part.scheduler for built in run.schedulers.values() for part in _parts(run, built)}
    return [_pace(run, built) for number, built in run.schedulers.items() if number not in inner]


def _parts(run: Run, built: SchedulerBuilt) -> list[SchedulerBuilt]:
    """The schedules inside of one, in their order."""
    numbers = [int(part) for part in str(built.settings.get("schedulers", "")).split(", ") if part.isdigit()]
    return [run.schedulers[number] for number in numbers if number in run.schedulers and number != built.scheduler]


def _pace(run: Run, built: SchedulerBuilt) -> Pace:
    own: list[Made] = []
    before = steps = 0
    begun = False
    for one in made(run):
        if one.call.kind == "schedule" and one.call.subject == built.scheduler:
            own.append(one)
            before += one.weight * one.count if not begun else 0
        elif one.call.kind == "step" and one.call.subject == built.optimizer:
            begun = True
            steps += one.weight * one.count if one.tick >= built.tick else 0
    count = sum(one.weight * one.count for one in own)
    calls = tuple(dict.fromkeys(one.call.call for one in own))
    return Pace(built, count, before, steps, _horizon(run, built), epochs(run), calls, _ends_as(run, built))


def _horizon(run: Run, built: SchedulerBuilt) -> float:
    parts = [_horizon(run, part) for part in _parts(run, built)]
    if built.type == "ChainedScheduler":  # all at once
        return max((part for part in parts if math.isfinite(part)), default=math.nan)
    own = _own_horizon(built)
    # One after the other: the last one begins at the last milestone.
    return own + parts[-1] if parts and math.isfinite(parts[-1]) else own


def _own_horizon(built: SchedulerBuilt) -> float:
    for name in HORIZONS:
        value = built.settings.get(name)
        if isinstance(value, str):
            parts = [part for part in value.split(", ") if part.isdigit()]
            return float(parts[-1]) if parts else math.nan
        if isinstance(value, int | float) and value > 0:
            return float(value)
    return math.nan


def _ends_as(run: Run, built: SchedulerBuilt) -> str:
    parts = _parts(run, built)
    if not parts:
        return built.type
    return _ends_as(run, parts[-1]) if built.type == "SequentialLR" else ""


def is_computed(run: Run, built: SchedulerBuilt) -> bool:
    """Whether the line that builds a schedule computes its plan, as `3 * len(loader)`: not where it is a figure, as `30`."""
    name, place = _ARGUMENTS.get(built.type, ("", 0))
    if not name or built.where is None:
        return False
    for node in nodes(run, built.where.file):
        if not isinstance(node, ast.Call) or last_name(node.func) != built.type:
            continue
        if not node.lineno <= built.where.line <= (node.end_lineno or node.lineno):
            continue
        named = [each.value for each in node.keywords if each.arg == name]
        given = named or node.args[place + 1 : place + 2]
        return any(not isinstance(part, ast.Constant) for part in _members(given))
    return False


def _members(given: list[ast.expr]) -> list[ast.expr]:
    return [part for each in given for part in (each.elts if isinstance(each, ast.List | ast.Tuple) else [each])]


def epochs(run: Run) -> float:
    """How often the loader that is trained on most was iterated; nan without a loader."""
    used = [use for use in run.every(LoaderIterated) if use.training_ticks]
    most = max(used, key=lambda use: use.training_ticks, default=None)
    return float(most.iterations) if most is not None else math.nan


def rates(run: Run, optimizer: int) -> Series | None:
    """The learning rate of the first param group as it changed."""
    return run.settings.get((optimizer, 0, "lr"))


def over(run: Run, optimizer: int) -> int:
    """The tick at which an optimizer had made all its steps: the end of the run, or the building of another one before which they all
    fit (each takes a tick at least): a training for each seed or setting, one after the other."""
    begun, own = run.optimizers[optimizer].tick, steps(run, optimizer)
    later = (each.tick for each in run.optimizers.values() if 0 < own <= each.tick - begun)
    return min(later, default=run.ticks)


def rises(series: Series) -> int:
    """How often the rate jumped to at least twice of what it was."""
    return sum(after >= 2 * before > 0 for before, after in pairwise(series.values))


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
