"""One training: its state, a step, an epoch. What it needs to go on is plain values at every moment."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from seatrial.errors import UsageProblem
from seatrial.practice.fitting import randomness
from seatrial.practice.fitting.checkpoints import BEST, LAST, epoch_file, save_state, save_weights
from seatrial.practice.fitting.devices import Machine
from seatrial.practice.fitting.history import Epoch, History
from seatrial.practice.fitting.order import training_loader
from seatrial.practice.fitting.preparing import switch
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.fitting.validation import validate
from seatrial.practice.metrics import examples_in
from seatrial.practice.refusal import failed
from seatrial.practice.task import Data, Made, Task
from seatrial.practice.trying import check_loss

Told = Callable[[History, int, int, float], None]
_FORMAT = 1


class Training:
    """A training at some moment: so many epochs are done, and so many batches of the next one."""

    def __init__(
        self, task: Task, made: Made, data: Data, folder: Path, settings: Settings, machine: Machine, planned: int = 0
    ) -> None:
        """`planned`: the steps for which the schedule was made, 0 if it was made for any number."""
        self.task, self.data, self.folder, self.settings, self.machine = task, data, folder, settings, machine
        self.planned = planned
        self.bare, self.optimizer = made.model, made.optimizer
        self.made = machine.ready(made)
        self.history = History()
        self.batch = 0
        self._sum = torch.zeros((), dtype=torch.float64)
        self._examples = 0
        self._before = 0.0  # seconds of this epoch before an interruption
        self._at_epoch: dict[str, Any] = {}  # random numbers when the epoch began
        self._saved = time.monotonic()

    def run(self, told: Told) -> None:
        """Train to the end; the state is saved meanwhile.

        Raises:
            UsageProblem: the task's own code fails, or its loss is none any more.
        """
        while not self.history.is_over(self.settings):
            start = time.monotonic() - self._before
            self._pass(told, start)
            self._close_epoch(time.monotonic() - start)
        if self.machine.is_first:
            save_weights(self.bare, self.folder / LAST)

    # ---- an epoch ------------------------------------------------------------------------------------------------

    def _pass(self, told: Told, start: float) -> None:
        number = len(self.history.epochs)
        loader = self.task.at(
            "train", lambda: training_loader(self.task, self.data, number, self.settings.seed, self.machine.share)
        )
        self.made.model.train()
        switch(self.optimizer, training=True)
        resumed = randomness.state() if self.batch else None
        if resumed is None:
            self._at_epoch = randomness.state()
        else:
            randomness.restore(self._at_epoch)
        batches = self.task.at("train", lambda: iter(loader))
        for _ in range(self.batch):  # those that were trained on before the interruption
            self.task.at("train", lambda: next(batches))
        if resumed is not None:
            randomness.restore(resumed)
        while self.batch < len(loader):
            batch = self.task.at("train", lambda: next(batches))
            self._step(batch)
            told(self.history, self.batch, len(loader), time.monotonic() - start)
            if time.monotonic() - self._saved > self.settings.save_seconds:
                self.save(time.monotonic() - start)

    def _step(self, batch: Any) -> None:
        task, made = self.task, self.made
        batch = self.machine.on_device(batch)
        try:
            task.at("optimizer", made.optimizer.zero_grad)
            with self.machine.autocast():
                loss = task.training_loss(made, batch, self.batch)
            check_loss(loss, made)
            task.at("loss", lambda: self.machine.backward(loss))
            if self.settings.clip:
                torch.nn.utils.clip_grad_norm_(made.model.parameters(), self.settings.clip)
            task.at("optimizer", lambda: self.machine.step(made))
        except UsageProblem:
            raise
        except Exception as error:
            doing = f"Training in epoch {len(self.history.epochs) + 1}, batch {self.batch + 1}"
            raise failed(doing, error, "The batches before it went well.") from error
        count = examples_in(batch)
        self._sum = self._sum + loss.detach().double().cpu() * count
        self._examples += count
        self.batch += 1
        self._advance("step", loss)

    def _close_epoch(self, seconds: float) -> None:
        validation, metrics = float("nan"), {}
        switch(self.optimizer, training=False)
        if self.task.validation is not None:
            validation, metrics = validate(self.task, self.made, self.task.validation, self.machine)
        parts = torch.stack([self._sum, torch.tensor(float(self._examples), dtype=torch.float64)])
        total, examples = self.machine.summed(parts).tolist()
        loss = total / examples if examples else float("nan")
        self._advance("epoch", torch.tensor(validation if validation == validation else loss))
        rate = float(self.made.optimizer.param_groups[0]["lr"])
        number = len(self.history.epochs) + 1
        epoch = Epoch(number, self.batch, loss, validation, metrics, rate, seconds)
        better = self.history.add(epoch, self.settings)
        self.batch, self._sum, self._examples, self._before = 0, torch.zeros((), dtype=torch.float64), 0, 0.0
        if self.machine.is_first:
            if better:
                save_weights(self.bare, self.folder / BEST)
            if number in self._on_the_way():
                save_weights(self.bare, self.folder / epoch_file(number))
        self.save(0.0)

    def _advance(self, every: str, loss: torch.Tensor) -> None:
        """Step the schedules that are stepped now."""
        for each in self.made.schedules:
            if each.every == every:
                step = each.scheduler.step
                self.task.at("optimizer", functools.partial(step, loss.item()) if each.watches else step)

    def _on_the_way(self) -> set[int]:
        """The epochs whose weights are kept, evenly over all."""
        kept = self.settings.kept
        return {round(self.settings.epochs * (at + 1) / (kept + 1)) for at in range(kept)} - {0}

    # ---- the state -----------------------------------------------------------------------------------------------

    def save(self, seconds: float) -> None:
        """Write what is needed to go on from here."""
        self._saved = time.monotonic()
        own = {"now": randomness.state(), "epoch": self._at_epoch, "sum": float(self._sum), "examples": self._examples}
        processes = self.machine.each(own)
        if self.machine.is_first:
            save_state(
                {
                    "format": _FORMAT,
                    "settings": self._decisive(),
                    "model": self.bare.state_dict(),
                    "optimizer": self.made.optimizer.state_dict(),
                    "schedules": [each.scheduler.state_dict() for each in self.made.schedules],
                    "epochs": [asdict(epoch) for epoch in self.history.epochs],
                    "best": self.history.best,
                    "batch": self.batch,
                    "seconds": seconds,
                    "processes": processes,
                },
                self.folder,
            )

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from a state that was saved with the same task and settings.

        Raises:
            UsageProblem: it was saved with others.
        """
        self._check(saved)
        try:
            self.bare.load_state_dict(saved["model"])
            self.made.optimizer.load_state_dict(saved["optimizer"])
            for each, state in zip(self.made.schedules, saved["schedules"], strict=True):
                each.scheduler.load_state_dict(state)
        except (RuntimeError, ValueError, KeyError) as error:
            raise failed("Going on with the training", error, "The task is another one now: train it anew.") from error
        self.history = History([Epoch(**epoch) for epoch in saved["epochs"]], saved["best"])
        self.batch, self._before = saved["batch"], saved["seconds"]
        own = saved["processes"][self.machine.share.rank]
        self._sum, self._examples = torch.tensor(own["sum"], dtype=torch.float64), own["examples"]
        self._at_epoch = own["epoch"]
        randomness.restore(own["now"])

    def _decisive(self) -> dict[str, Any]:
        """What decides the outcome. A schedule for a number of steps makes the epochs decide it too."""
        return self.settings.decisive | ({"epochs": self.settings.epochs} if self.planned else {})

    def _check(self, saved: dict[str, Any]) -> None:
        before, now = saved.get("settings", {}), self._decisive()
        other = [
            f"{name} {before.get(name)!r} before and {now[name]!r} now" for name in now if before.get(name) != now[name]
        ]
        if saved.get("format") != _FORMAT or other:
            raise UsageProblem(
                f"Expected the settings that this training began with, found {', '.join(other) or 'another format'}.",
                "fit-other-settings",
                "Go on with the same, or train anew in another folder.",
            )
