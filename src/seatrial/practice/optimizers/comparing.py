"""Optimizers compared fairly on a task: each at its own found rate, the same steps, the same batches in the same order per seed."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from seatrial.errors import UsageProblem
from seatrial.evaluation.comparison.seeds import Difference, difference
from seatrial.practice.fitting.fit import Fit, fit
from seatrial.practice.fitting.history import Epoch
from seatrial.practice.fitting.order import steps_each
from seatrial.practice.fitting.settings import LOSS, Settings
from seatrial.practice.optimizers.kinds import KINDS, OWN, check_name, with_optimizer
from seatrial.practice.rates import find_rate
from seatrial.practice.refusal import refused
from seatrial.practice.task import Task

EPOCHS = 10
SEEDS = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """An optimizer and how its trainings went.

    rate       found for it, once, for all seeds.
    schedule   that its rate followed; "" where the task's own optimizer keeps its own.
    figures    of its best epoch, one a seed (nan: it diverged).
    last       of its last epoch.
    curves     the figure after each epoch, one list a seed.
    """

    name: str
    words: str
    rate: float
    schedule: str
    figures: tuple[float, ...]
    last: tuple[float, ...]
    curves: tuple[tuple[float, ...], ...]

    @property
    def mean(self) -> float:
        """Over the seeds that did not diverge."""
        known = [figure for figure in self.figures if math.isfinite(figure)]
        return sum(known) / len(known) if known else math.nan


@dataclass(frozen=True, slots=True)
class Pair:
    """Two candidates by name, and the first one's figure minus the second one's."""

    first: str
    second: str
    difference: Difference


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared, and by what. `figure`: its name; `highest`: whether more is better. `left_out`: why, by name."""

    task: str
    figure: str
    highest: bool
    validated: bool
    epochs: int
    steps: int
    seeds: int
    candidates: tuple[Candidate, ...]
    pairs: tuple[Pair, ...]
    left_out: dict[str, str]
    batch_normalisation: bool


def compare_optimizers(
    task: Task,
    optimizers: Sequence[str] = (),
    *,
    epochs: int = EPOCHS,
    seeds: int = SEEDS,
    choose: str = LOSS,
    highest: bool = False,
    rates: dict[str, float] | None = None,
    runs: Path | None = None,
    progress: bool = True,
    told: Callable[[str], None] = lambda words: None,
) -> Comparison:
    """Train a task with several optimizers and seeds, and compare how well they end.

    Args:
        optimizers: by name; sgd, adamw and schedule-free if nothing is given. "own" is the task's.
        epochs: the budget of each training. None stops earlier.
        seeds: trainings of each optimizer, at least 2.
        choose, highest: what they are compared by: "loss", or a metric of the task; of the validation data if there are any.
        rates: those that need not be found.
        runs: a folder for the folders of all trainings; they are not kept if nothing is given.
        told: what is done, in words.

    Raises:
        UsageProblem: an argument or the task is not what it should be, or no rate can be found for two of them.
    """
    if seeds < 2:
        raise refused(
            "seeds of at least 2", repr(seeds), "optimizers-seeds", "One training shows no spread; 3 are usual."
        )
    budget = Settings(epochs, 0, choose, highest, kept=0)
    names, left_out = _available(optimizers)
    steps = epochs * steps_each(task, task.train)
    ready: list[tuple[str, float]] = []
    for name in names:
        told(f"{name}: finding its rate")
        rate, why = _rate(task, name, steps, rates or {})
        ready += [(name, rate)] if not why else []
        left_out |= {name: why} if why else {}
    if len(ready) < 2:
        hint = "Name others, or give --rate NAME=VALUE."
        reasons = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise refused("two optimizers to compare", reasons or ", ".join(names), "optimizers-few", hint)
    with tempfile.TemporaryDirectory() as scratch:
        folder = runs or Path(scratch)
        candidates = tuple(_trained(task, name, rate, budget, seeds, folder, told, progress) for name, rate in ready)
    count = len(ready) * (len(ready) - 1) // 2
    pairs = tuple(Pair(a.name, b.name, difference(a.figures, b.figures, count)) for a, b in combinations(candidates, 2))
    return Comparison(
        task.name,
        choose,
        highest,
        task.validation is not None,
        epochs,
        steps,
        seeds,
        candidates,
        pairs,
        left_out,
        _normalises_batches(task),
    )


def _available(wanted: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The candidates, and why some of the usual ones are none. One that was asked for by name must be there."""
    if wanted:
        names = list(dict.fromkeys(wanted))
        for name in names:
            check_name(name)
        return names, {}
    names, left_out = [], {}
    for name in KINDS:
        try:
            check_name(name)
            names.append(name)
        except UsageProblem as problem:
            left_out[name] = f"not installed ({problem.hint})"
    return names, left_out


def _rate(task: Task, name: str, steps: int, given: dict[str, float]) -> tuple[float, str]:
    """A rate for one of them, or why there is none."""
    if name in given:
        return given[name], ""
    found = find_rate(with_optimizer(task, name), steps=steps, progress=False)
    return found.rate, (found.why or "no rate was found") if math.isnan(found.rate) else ""


def _trained(
    task: Task,
    name: str,
    rate: float,
    budget: Settings,
    seeds: int,
    folder: Path,
    told: Callable[[str], None],
    progress: bool,
) -> Candidate:
    schedule = KINDS[name].schedule if name != OWN else ("" if task.schedule is not None else "cosine")
    fits: list[Fit] = []
    for seed in range(seeds):
        told(f"{name}: training {seed + 1} of {seeds}")
        settings = replace(budget, optimizer=name, rate=rate, schedule=schedule, seed=seed)
        fits.append(fit(task, folder / f"{name}-seed-{seed}", settings, progress=progress))
    curves = tuple(tuple(_figure(epoch, task, budget.choose) for epoch in each.history.epochs) for each in fits)
    better = max if budget.highest else min
    figures = tuple(_finite(better, curve) for curve in curves)
    words = KINDS[name].words if name != OWN else "the task's own"
    return Candidate(name, words, rate, schedule, figures, tuple(curve[-1] for curve in curves), curves)


def _figure(epoch: Epoch, task: Task, choose: str) -> float:
    if choose != LOSS:
        return epoch.metrics.get(choose, math.nan)
    return epoch.validation if task.validation is not None else epoch.training


def _finite(better: Callable[[list[float]], float], curve: Sequence[float]) -> float:
    """The best figure; nan if the training ended without one."""
    return better([value for value in curve if math.isfinite(value)]) if math.isfinite(curve[-1]) else math.nan


def _normalises_batches(task: Task) -> bool:
    from torch.nn.modules.batchnorm import _BatchNorm

    return any(isinstance(module, _BatchNorm) for module in task.make().model.modules())
