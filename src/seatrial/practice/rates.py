"""The learning rate of a task, found on fresh copies; nothing that the caller has is changed."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from seatrial.errors import UsageProblem
from seatrial.numbers import decimal
from seatrial.practice.borrowed import borrowed
from seatrial.practice.display import Display
from seatrial.practice.made import Made
from seatrial.practice.refusal import failed, refused, shown
from seatrial.practice.task import Task
from seatrial.practice.training import batches, one_step
from seatrial.practice.trying import on_device, try_out
from seatrial.practice.unchanged import seed as seed_all
from seatrial.practice.unchanged import unchanged
from seatrial.report.rates import FoundRate
from seatrial.taps import apart
from seatrial.trials.rate_search import Search
from seatrial.trials.rates import limit_of_stability, power_iteration

SECONDS = 20.0
EPOCHS = 10  # the training that a rate is for, where nothing is said: so many passes over the data
# A loss that is so many times its start does not come back.
LOST = 1e3
# Batches are kept, so that all candidates see the same ones, up to so many bytes; then they come round again.
KEPT_BYTES = 256 * 2**20


def find_rate(task: Task, *, steps: int | None = None, seconds: float = SECONDS, progress: bool = True) -> FoundRate:
    """Find the learning rate with which a task's training ends best.

    A range test on copies shows where to look, short trainings of copies decide. The model, the data, the random numbers and
    torch are afterwards what they were.

    Args:
        task: its optimizer's own rate is where the range begins to be looked for; it is found far from it, too.
        steps: of the training that the rate is for; ten passes over the data if nothing is given.
        seconds: CPU time that may be spent. Where it is too short for `steps`, shorter trainings decide.
        progress: whether to show what is going on.

    Raises:
        UsageProblem: the task is not what it should be, or its own code fails.
    """
    if not isinstance(task, Task):  # pyright: ignore[reportUnnecessaryIsInstance]  # people try
        hint = "Describe it first: seatrial.find_rate(seatrial.Task(Net, loss, train_data))."
        raise refused("a Task", shown(task), "no-task", hint)
    if steps is not None and steps < 1:
        raise refused("steps of at least 1", repr(steps), "task-steps", "Give how many the training will make.")
    if not seconds > 0:
        raise refused("seconds above 0", repr(seconds), "task-seconds", "20 are usual.")

    def search() -> FoundRate:
        with unchanged(), borrowed(task.train, task.validation, task.collate), Display(progress) as display:
            seed_all(0)
            try_out(task)
            copies = Copies(task)
            wanted = steps or EPOCHS * max(1, len(task.train) // task.batch_size)  # pyright: ignore[reportArgumentType]
            found = Search(copies.train, copies.used, wanted, seconds, display.tell).find()
            curvature = copies.curvature()
            optimizer = type(copies.made().optimizer)
        limit = limit_of_stability(optimizer, copies.settings, curvature)
        trained = "new models" if task.fresh else "copies of the model"
        return FoundRate(found, curvature, limit, task.name, optimizer.__name__, trained)

    return apart(search)


@dataclass
class Copies:
    """Trainings of fresh copies of a task. With the same seed they begin alike and see the same batches.

    Raises:
        UsageProblem: its optimizer has no learning rate.
    """

    task: Task
    _batches: dict[int, list[Any]] = field(default_factory=dict, init=False)
    _bytes: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        groups = self.made().optimizer.param_groups
        if not all("lr" in group for group in groups):
            hint = "Give an optimizer whose groups have `lr`, as torch's have."
            raise refused("an optimizer with a learning rate", "one without", "task-no-rate", hint)
        self.rates = [float(group["lr"]) for group in groups]
        self.settings: dict[str, Any] = {key: value for key, value in groups[0].items() if key != "params"}
        self.used = max(self.rates)
        if not self.used > 0 or not math.isfinite(self.used):
            hint = "Give any positive rate: the best one is looked for from there."
            raise refused("a learning rate above 0", decimal(self.used), "task-no-rate", hint)

    def made(self, seed: int = 0) -> Made:
        """A copy; what it draws comes from the seed."""
        seed_all(seed)
        return self.task.make()

    def train(
        self, rates: Sequence[float], seed: int, look: Callable[[int, nn.Module], None] = lambda number, model: None
    ) -> list[float]:
        """Train a copy, each step with a rate of its own (the largest of its groups; the others keep their proportion).

        Args:
            look: is shown the model after each step, with the number of steps made.

        Raises:
            UsageProblem: the task's own code fails.
        """
        given = self._given(seed, len(rates))
        made = self.made(seed)
        made.model.train()
        losses: list[float] = []
        try:
            for number, rate in enumerate(rates):
                self._set(made.optimizer, rate)
                batch = copy.deepcopy(given[number % len(given)])  # what a model does to its inputs stays its own
                losses.append(one_step(self.task, made, on_device(batch, made), number))
                look(number + 1, made.model)
                if not math.isfinite(losses[-1]) or losses[-1] - losses[0] > LOST * max(1.0, abs(losses[0])):
                    break
        except UsageProblem:
            raise
        except Exception as error:
            if losses and rates[len(losses)] > self.used:  # at absurd rates a model may fail: it is lost
                return losses
            raise failed(f"Training in step {len(losses) + 1}", error, "The steps before it went well.") from error
        return losses

    def curvature(self) -> float:
        """The largest curvature of the loss of one batch before training; nan where it cannot be known."""
        (batch, *_) = self._given(0, 1)
        made = self.made()
        made.model.train()
        learned = [parameter for parameter in made.model.parameters() if parameter.requires_grad]
        try:
            loss = self.task.training_loss(made, on_device(copy.deepcopy(batch), made), 0)
            return power_iteration(loss, learned)
        except (RuntimeError, NotImplementedError):  # an operation without a second derivative
            return math.nan

    # ---- inner steps -------------------------------------------------------------------------------------------------

    def _set(self, optimizer: Optimizer, rate: float) -> None:
        for group, own in zip(optimizer.param_groups, self.rates, strict=True):
            value = rate * own / self.used
            if isinstance(group["lr"], torch.Tensor):  # as capturable optimizers have it
                group["lr"] = torch.full_like(group["lr"], value)
            else:
                group["lr"] = value

    def _given(self, seed: int, count: int) -> list[Any]:
        """At least so many batches in the order of a seed, or as many as may be kept.

        Raises:
            UsageProblem: they cannot be read.
        """
        known = self._batches.setdefault(seed, [])
        if len(known) < count and self._bytes < KEPT_BYTES:
            loader = self.task.loader(self.task.train, shuffle=True, seed=seed)
            seed_all(seed)
            try:
                for batch in islice(batches(self.task, loader), len(known), count):
                    known.append(batch)
                    self._bytes += _size(batch)
                    if self._bytes >= KEPT_BYTES:
                        break
            except Exception as error:
                raise failed(f"Reading batch {len(known) + 1} of train", error, "Those before it went well.") from error
        return known


def _size(batch: Any) -> int:
    if isinstance(batch, torch.Tensor):
        return batch.nbytes
    if isinstance(batch, dict):
        return sum(map(_size, batch.values()))
    if isinstance(batch, (tuple, list)):
        return sum(map(_size, batch))
    return 64
