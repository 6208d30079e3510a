"""A task's training data divided: some are set apart for validation, no group on both sides, the latest ones where examples have times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Subset

from seatrial.errors import UsageProblem
from seatrial.practice.fitting.subset import classes_of
from seatrial.practice.refusal import refused
from seatrial.practice.task import Task
from seatrial.splitting import split

# What `split` says where some class is too small to be divided, or classes and groups cannot be had together.
BY_CLASS = ("split-classes", "split-groups")


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
    try:
        try:
            chosen = split(count, wanted, seed=seed, stratify=classes, groups=groups, time=times)
        except UsageProblem as problem:
            if classes is None or problem.slug not in BY_CLASS:
                raise
            chosen = split(count, wanted, seed=seed, groups=groups)
    except UsageProblem as problem:
        hint = "Give validation=..., data of the same form; or other groups= or times=."
        raise UsageProblem(problem.message, problem.slug, hint) from problem
    return np.flatnonzero(~chosen).tolist(), np.flatnonzero(chosen).tolist()


def part_of(task: Task, numbers: Sequence[int]) -> Task:
    """The task with these of its training examples, and with their groups and times."""
    columns: dict[str, NDArray[Any]] = {
        name: np.asarray(values)[list(numbers)]
        for name, values in (("groups", task.groups), ("times", task.times))
        if values is not None
    }
    given: Any = task.train
    return task.having(train=Subset(given, list(numbers)), **columns)
