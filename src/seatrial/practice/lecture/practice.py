"""A task on its way through the lecture: as it came, what was chosen for it, and the diary of what is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import Subset

from seatrial.practice.dividing import part_of
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.lecture.outcome import Diary, Outcome
from seatrial.practice.task import Task
from seatrial.splitting import moments

# The kinds of answers that a vault's metrics score.
SCORED = ("binary", "multiclass", "regression")
STRETCHES = 10
# Where a task has no schedule of its own (docs/decisions/annealing.md).
ANNEALED = "cosine"


@dataclass
class Practice:
    """A task on its way.

    space             a function of an Optuna trial that returns the task with other choices made; None where there is none.
    test_share, validation_share   of the data, where the task has none of these.
    quick             whether to leave out what takes long.
    undivided         whether what was set apart for validation is among the training data too, when all is chosen.
    """

    task: Task
    diary: Diary
    settings: Settings
    test_share: float
    validation_share: float
    quick: bool
    progress: bool
    space: Callable[[Any], Task] | None = None
    undivided: bool = False

    @property
    def folder(self) -> Path:
        return self.diary.folder

    @property
    def prepared(self) -> Task:
        """The task without what was sealed and with validation data, as far as these stages are over."""
        return self.without_sealed(self.task)

    def without_sealed(self, task: Task) -> Task:
        """The same of a task with the same data."""
        for stage in ("seal", "split"):
            chosen = self.diary.value(stage, "training")
            if chosen is not None:
                held_out = self.diary.value(stage, "validation")
                given: Any = task.train
                if held_out is None or not self.undivided:
                    task = part_of(task, chosen)
                if held_out is not None:
                    task = task.having(validation=Subset(given, held_out))
        return task.having(vault=None)

    @property
    def rated(self) -> Settings:
        """The settings with the rate that was found, as far as that stage is over."""
        return replace(self.settings, rate=self.diary.value("rate", "rate") or self.settings.rate)

    @property
    def chosen(self) -> tuple[Task, Settings]:
        """The task and the settings with what the search chose, as far as it is over."""
        from seatrial.practice.lecture.choosing import with_params

        params = self.diary.value("search", "params")
        task, settings = with_params(self, params) if params else (self.prepared, self.rated)
        return task, settings if task.schedule is not None else annealed(settings)


@dataclass(frozen=True, slots=True)
class Stage:
    """`name` in the diary, the chapter's `title`, what the lecture says of it, and what is done."""

    name: str
    title: str
    advice: str
    run: Callable[[Practice], Outcome]


def annealed(settings: Settings) -> Settings:
    """A rate that falls along half a cosine, to its end: stopping early would leave out the part in which most is won."""
    return settings if settings.schedule else replace(settings, schedule=ANNEALED, patience=0)


def validation_groups(practice: Practice) -> np.ndarray[Any, Any] | None:
    """Which of the validation examples are not independent of each other, where they were set apart here: those of one group, or those of
    one stretch of time (of ten); None where nothing is known."""
    task = practice.task
    held_out = practice.diary.value("split", "validation")
    column = task.groups if task.times is None else task.times
    if column is None or held_out is None:
        return None
    left = practice.diary.value("seal", "training")
    values = np.asarray(column)
    values = (values if left is None else values[left])[held_out]
    return values if task.times is None else _stretches(values)


def _stretches(times: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """Numbers of stretches, each with as many different times as the others; None where there are fewer times than that. What follows one
    another is alike: of halves that were drawn one by one, each would be judged on the neighbours of what chose it."""
    number = np.unique(moments(times), return_inverse=True)[1]
    many = int(number.max()) + 1
    return number * STRETCHES // many if many >= STRETCHES else None
