"""A task's training data divided: some are set apart for validation, no group on both sides, the latest ones where examples have times."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Subset

from seatrial.errors import UsageProblem
from seatrial.practice.fitting.subset import classes_of
from seatrial.practice.refusal import refused
from seatrial.practice.task import Task
from seatrial.splitting import Mask, split

Divided = TypeVar("Divided")

# What `split` says where some class is too small to be divided, or classes and groups cannot be had together.
_BY_CLASS = ("split-classes", "split-groups")


def by_class_if_possible(stratify: bool, divide: Callable[[bool], Divided]) -> tuple[Divided, bool]:
    """What `divide(stratify)` makes, and whether it was by class: not where some class is too small for it.

    Raises:
        UsageProblem: the data cannot be divided in either way.
    """
    try:
        return divide(stratify), stratify
    except UsageProblem as problem:
        if not stratify or problem.slug not in _BY_CLASS:
            raise
        return divide(False), False


def set_apart(task: Task, share: float, seed: int) -> tuple[list[int], list[int]]:
    """Numbers of the training examples to train on, and of those for validation: each class with its share where classes can be told and
    all of them are large enough; whole groups; the latest ones of a task with times.

    Raises:
        UsageProblem: there are fewer than two examples, groups or times.
    """
    count = len(task.train)  # pyright: ignore[reportArgumentType]
    if count < 2:
        hint = "Give validation=..., or more data."
        raise refused("examples to train on and others to validate on", f"{count} example", "task-validation", hint)
    wanted = min(count - 1, math.ceil(share * count - 1e-9))
    groups, times = (None if each is None else np.asarray(each) for each in (task.groups, task.times))
    classes = None if times is not None else classes_of(task)

    def divided(stratify: bool) -> Mask:
        return split(count, wanted, seed=seed, stratify=classes if stratify else None, groups=groups, time=times)

    try:
        chosen, _ = by_class_if_possible(classes is not None, divided)
    except UsageProblem as problem:
        hint = "Give validation=..., data of the same form; or other groups= or times=."
        raise UsageProblem(problem.message, problem.slug, hint) from problem
    return np.flatnonzero(~chosen).tolist(), np.flatnonzero(chosen).tolist()


def part_of(task: Task, numbers: Sequence[int]) -> Task:
    """The task with these of its training examples, and with their groups and times. Its sampler is given the numbers that they had."""
    columns: dict[str, NDArray[Any]] = {
        name: np.asarray(values)[list(numbers)]
        for name, values in (("groups", task.groups), ("times", task.times))
        if values is not None
    }
    given: Any = task.train
    sampler = None if task.sampler is None else _Within(task.sampler, np.asarray(numbers, dtype=np.int64))
    return task.having(train=Subset(given, list(numbers)), sampler=sampler, **columns)


@dataclass(frozen=True, eq=False)
class _Within:
    """A sampler of all training examples, among some of them: their numbers in the part are those in the whole for it."""

    sampler: Callable[[NDArray[np.int64], torch.Generator], Sequence[int]]
    whole: NDArray[np.int64]

    def __call__(self, numbers: NDArray[np.int64], generator: torch.Generator) -> list[int]:
        places = {int(self.whole[at]): int(at) for at in numbers}
        return [places.get(int(each), -1) for each in self.sampler(self.whole[numbers], generator)]
