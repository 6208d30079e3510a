"""Trains a task for some dozen steps, as a person would, and evaluates it once. The taps listen meanwhile."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import torch
from torch.utils.data import DataLoader

from seatrial.errors import UsageProblem
from seatrial.practice.made import Made
from seatrial.practice.refusal import failed
from seatrial.practice.task import Task
from seatrial.practice.trying import check_loss, on_device

STEPS = 60
# A slow task trains fewer steps: as many as this time allows, but no fewer than this.
SECONDS = 10.0
FEWEST_STEPS = 12
VALIDATION_BATCHES = 32
SEED = 0
_END = object()


def train(task: Task, made: Made, told: Callable[[int, int], None]) -> int:
    """Train for at most STEPS steps; returns how many it were.

    Args:
        told: of the steps that are done, and of how many.

    Raises:
        UsageProblem: the task's own code fails, or its loss is none any more.
    """
    made.model.train()
    loader = task.at("train", lambda: task.loader(task.train, shuffle=True, seed=SEED))
    end = time.monotonic() + SECONDS
    done = 0
    try:
        for batch in islice(batches(task, loader), STEPS):
            loss = one_step(task, made, on_device(batch, made), done)
            done += 1
            _advance(task, made, "step", loss)
            if done % len(loader) == 0:
                _advance(task, made, "epoch", loss)
            told(done, STEPS)
            if done >= FEWEST_STEPS and time.monotonic() > end:
                break
    except UsageProblem:
        raise
    except Exception as error:
        raise failed(f"Training in step {done + 1}", error, "The steps before it went well.") from error
    return done


def evaluate(task: Task, made: Made) -> None:
    """One pass over the validation data, or over so many of its batches, drawn at random.

    Raises:
        UsageProblem: the task's own code fails.
    """
    data = task.validation
    if data is None:
        return
    whole = len(data) <= VALIDATION_BATCHES * task.batch_size  # pyright: ignore[reportArgumentType]
    loader = task.at("validation", lambda: task.loader(data, shuffle=not whole, seed=SEED))
    made.model.eval()
    try:
        with torch.no_grad():
            for number, batch in zip(range(VALIDATION_BATCHES), loader, strict=False):
                task.evaluate(made, on_device(batch, made), number)
    except Exception as error:
        raise failed("Evaluating on the validation data", error, "Its first batch went well.") from error
    made.model.train()


def batches(task: Task, loader: DataLoader[Any]) -> Iterator[Any]:
    """Batch after batch, epoch after epoch."""
    while True:
        epoch = task.at("train", lambda: iter(loader))
        while (batch := task.at("train", lambda: next(epoch, _END))) is not _END:  # noqa: B023  # called at once
            yield batch


def one_step(task: Task, made: Made, batch: Any, number: int) -> float:
    """One step of training; the loss it began from. `number` is that of the batch, from 0."""
    task.at("optimizer", made.optimizer.zero_grad)
    loss = task.training_loss(made, batch, number)
    check_loss(loss, made)
    task.at("loss", loss.backward)
    task.at("optimizer", made.optimizer.step)
    return loss.item()


def _advance(task: Task, made: Made, every: str, loss: float) -> None:
    """Step the schedulers that are stepped now."""
    for each in made.schedules:
        if each.every == every:
            step = each.scheduler.step
            task.at("optimizer", functools.partial(step, loss) if each.watches else step)
