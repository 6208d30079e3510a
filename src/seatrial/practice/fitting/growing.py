"""Trains a task on growing subsets of its data, several times each: the points of its learning curve."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from seatrial.practice.fitting.devices import Machine, machine
from seatrial.practice.fitting.history import History
from seatrial.practice.fitting.interruption import Interruption
from seatrial.practice.fitting.order import steps_each
from seatrial.practice.fitting.preparing import prepared
from seatrial.practice.fitting.settings import LOSS, Settings
from seatrial.practice.fitting.subset import subset
from seatrial.practice.fitting.training import Training
from seatrial.practice.learning_curve import Point
from seatrial.practice.refusal import refused
from seatrial.practice.task import Task
from seatrial.practice.trying import try_out
from seatrial.practice.unchanged import seed as seeded
from seatrial.practice.unchanged import unchanged
from seatrial.taps import apart

SHARES = (1 / 8, 1 / 4, 1 / 2, 1.0)
Told = Callable[[Point, int], None]


def grown(
    task: Task, settings: Settings, told: Told, shares: Sequence[float] = SHARES, seeds: int = 3
) -> tuple[Point, ...]:
    """The best validation of trainings on subsets. Each may take as many steps as one on all of the data: on an eighth, eight times
    the epochs (and the patience). Subset, initial weights and order are others for each seed.

    Args:
        told: of each point, and of how many there will be.

    Raises:
        UsageProblem: the task has no validation data, or too few examples for the smallest subset.
    """
    if task.validation is None:
        hint = "Give validation=..., data of the same form."
        raise refused("validation data to measure by", "none", "learning-curve-validation", hint)
    count = len(task.train)  # pyright: ignore[reportArgumentType]
    usable = [share for share in shares if round(share * count) >= task.batch_size]
    return apart(lambda: tuple(_points(task, settings, told, usable, seeds)))


def _points(task: Task, settings: Settings, told: Told, shares: Sequence[float], seeds: int) -> Iterator[Point]:
    with unchanged(), machine(settings, task.batch_size) as devices:
        seeded(settings.seed)
        try_out(task)
        for seed in range(seeds):  # all sizes with one seed first: an early end leaves a curve
            for share in shares:
                point = _point(task, _for_share(settings, share, settings.seed + seed), devices)
                told(point, len(shares) * seeds)
                yield point


def _for_share(settings: Settings, share: float, seed: int) -> Settings:
    more = 1 / share
    return replace(
        settings,
        seed=seed,
        subset=share,
        epochs=round(settings.epochs * more),
        patience=round(settings.patience * more),
        kept=0,
        save_seconds=math.inf,
    )


def _silent(history: History, done: int, of: int, seconds: float) -> None:
    pass


def _point(task: Task, settings: Settings, devices: Machine) -> Point:
    seeded(settings.seed)
    data = subset(task, settings.subset, settings.seed)
    made = prepared(task, task.make(), 0.0, settings.schedule, settings.epochs * steps_each(task, data))
    with tempfile.TemporaryDirectory() as folder:
        training = Training(task, made, data, Path(folder), settings, devices)
        training.run(_silent, Interruption())
    history = training.history
    value = math.nan
    if history.best and not training.ending:
        best = history.epochs[history.best - 1]
        value = best.validation if settings.choose == LOSS else best.metrics[settings.choose]
    return Point(len(data), settings.seed, value)  # pyright: ignore[reportArgumentType]
