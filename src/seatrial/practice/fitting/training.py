"""One training: a step, an epoch, its state. What it needs to go on is plain values after every batch."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from seatrial.errors import UsageProblem
from seatrial.practice.fitting import randomness, state
from seatrial.practice.fitting.checkpoints import BEST, LAST, epoch_file, save_state, save_weights
from seatrial.practice.fitting.devices import Machine
from seatrial.practice.fitting.history import Epoch, History
from seatrial.practice.fitting.interruption import Interruption
from seatrial.practice.fitting.losses import Losses
from seatrial.practice.fitting.order import training_loader
from seatrial.practice.fitting.preparing import switch
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.fitting.validation import validate
from seatrial.practice.made import Made
from seatrial.practice.metrics import examples_in
from seatrial.practice.refusal import failed
from seatrial.practice.task import Data, Task
from seatrial.practice.trying import check_loss

Told = Callable[[History, int, int, float], None]
_BEFORE = "The batches before it went well."


class Training:
    """A training at some moment: so many epochs are done, and so many batches of the next one."""

    def __init__(
        self, task: Task, made: Made, data: Data, folder: Path, settings: Settings, machine: Machine, planned: int = 0
    ) -> None:
        """`planned`: the steps for which the schedule was made, 0 if it was made for any number."""
        self.task, self.data, self.folder, self.settings, self.machine = task, data, folder, settings, machine
        self.planned = planned
        self.bare, self.optimizer = made, made.optimizer
        self.made = machine.ready(made)
        self.history = History()
        self.batch = 0
        self.ending = ""
        self._losses = Losses()
        self._before = 0.0  # seconds of this epoch before an interruption
        self._at_epoch: dict[str, Any] = {}  # random numbers when the epoch began
        self._saved = time.monotonic()

    def run(self, told: Told, interruption: Interruption) -> None:
        """Train to the end, or until the weights are no numbers any more (see `ending`); the state is saved meanwhile.

        Raises:
            UsageProblem: the task's own code fails, or its loss is none any more.
            KeyboardInterrupt: Ctrl-C or SIGTERM came; the state is saved.
        """
        while not self.ending and not self.history.is_over(self.settings):
            start = time.monotonic() - self._before
            self._pass(told, start, interruption)
            if not self.ending:
                self._close_epoch(time.monotonic() - start)
                self._pause(0.0, interruption, saved=True)
        if self.machine.is_first and not self.ending:
            save_weights(self.bare.model, self.folder / LAST)

    # ---- an epoch ------------------------------------------------------------------------------------------------

    def _pass(self, told: Told, start: float, interruption: Interruption) -> None:
        loader = self.task.at("train", lambda: training_loader(self.task, self.data, self._epoch, self.settings.seed, self.machine.share))  # fmt: skip
        self.made.model.train()
        switch(self.optimizer, training=True)
        batches = self._from_here(loader)
        of = len(loader)
        while self.batch < of and not self.ending:
            self._step(self._next(batches))
            told(self.history, self.batch, of, time.monotonic() - start)
            if self.machine.is_time_to_ask(self.batch) or self.batch == of:
                self._pause(time.monotonic() - start, interruption)

    def _from_here(self, loader: Any) -> Iterator[Any]:
        """The batches from the next one on. Those before it are read anew, with the random numbers that they were read with:
        a data set may remember what it has given."""
        resumed = self._randomness() if self.batch else None
        if resumed is None:
            self._at_epoch = self._randomness()
        else:
            self._restore_randomness(self._at_epoch)
        batches = self.task.at("train", lambda: iter(loader))
        for _ in range(self.batch):
            self._next(batches)
        if resumed is not None:
            self._restore_randomness(resumed)
        return batches

    def _next(self, batches: Iterator[Any]) -> Any:
        try:
            return self.task.at("train", lambda: next(batches))
        except Exception as error:
            raise failed(f"Reading the training data in {self._where}", error, _BEFORE) from error

    def _step(self, batch: Any) -> None:
        task, made = self.task, self.made
        batch = self.machine.on_device(batch)
        count = examples_in(batch)
        try:
            task.at("optimizer", made.optimizer.zero_grad)
            with self.machine.autocast():
                loss = task.training_loss(made, batch, self.batch)
            check_loss(loss, made)
            task.at("loss", lambda: self.machine.backward(loss, self._part(count)))
            task.at("optimizer", lambda: self.machine.step(made.optimizer, self.settings.clip))
        except UsageProblem:
            raise
        except Exception as error:
            raise failed(f"Training in {self._where}", error, _BEFORE) from error
        self._losses.add(loss, count)
        self.batch += 1
        self._advance("step", loss)

    def _part(self, count: int) -> float:
        """The share of the batch that is in this process."""
        of = self.machine.share.of
        whole = min(self.task.batch_size, len(self.data))  # pyright: ignore[reportArgumentType]
        return 1 / of if whole % of == 0 else count / whole

    def _pause(self, seconds: float, interruption: Interruption, *, saved: bool = False) -> None:
        """See how things are: broken weights, a state to be saved, a signal that came; in all processes alike."""
        broken = not self._losses.read() and not _are_numbers(self.bare.model)
        due = time.monotonic() - self._saved > self.settings.save_seconds
        broken, due, stop = self.machine.any((broken, due, bool(interruption.came)))
        if broken:
            at = f"epoch {self._epoch + 1}, batch {self.batch}"
            self.ending = f"Training ended: by {at}, the loss and the weights were no numbers any more."
            return
        if (due or stop) and not saved:
            self.save(seconds)
        if stop:
            interruption.stop()

    def _close_epoch(self, seconds: float) -> None:
        validation, metrics = math.nan, {}
        switch(self.optimizer, training=False)
        if self.task.validation is not None:
            self.machine.same_buffers(self.bare.model)
            validation, metrics = validate(self.task, self.bare, self.task.validation, self.machine)
        parts = torch.tensor([self._losses.total, self._losses.examples], dtype=torch.float64)
        total, examples = self.machine.summed(parts).tolist()
        loss = total / examples if examples else math.nan
        rate = float(self.made.optimizer.param_groups[0]["lr"])
        epoch = Epoch(self._epoch + 1, self.batch, loss, validation, metrics, rate, seconds)
        better = self.history.add(epoch, self.settings)
        self._advance("epoch", torch.tensor(loss if math.isnan(validation) else validation))
        self.batch, self._losses, self._before = 0, Losses(), 0.0
        if self.machine.is_first:
            if better:
                save_weights(self.bare.model, self.folder / BEST)
            if epoch.number in self._on_the_way():
                save_weights(self.bare.model, self.folder / epoch_file(epoch.number))
        self.save(0.0)

    def _advance(self, every: str, loss: torch.Tensor) -> None:
        """Step the schedules that are stepped now."""
        for each in self.made.schedules:
            if each.every == every:
                step = each.scheduler.step
                if each.watches and every == "step":  # one loss for all processes, or else their rates part
                    loss = self.machine.summed(loss.detach().double().cpu().reshape(1)) / self.machine.share.of
                self.task.at("optimizer", functools.partial(step, loss.item()) if each.watches else step)

    def _on_the_way(self) -> set[int]:
        """The epochs whose weights are kept, evenly over all."""
        kept = self.settings.kept
        return {round(self.settings.epochs * (at + 1) / (kept + 1)) for at in range(kept)} - {0}

    @property
    def _epoch(self) -> int:
        return len(self.history.epochs)

    @property
    def _where(self) -> str:
        return f"epoch {self._epoch + 1}, batch {self.batch + 1}"

    # ---- the state -----------------------------------------------------------------------------------------------

    def save(self, seconds: float) -> None:
        """Write what is needed to go on from here."""
        self._saved = time.monotonic()
        losses = [self._losses.total, self._losses.examples, self._losses.broken]
        own = {"now": self._randomness(), "epoch": self._at_epoch, "losses": losses}
        processes = self.machine.each(own)
        if not self.machine.is_first:
            return
        known = {
            "format": state.FORMAT,
            "settings": self._decisive,
            "precision": self.machine.precision_state(),
            "epochs": [asdict(epoch) for epoch in self.history.epochs],
            "best": self.history.best,
            "batch": self.batch,
            "seconds": seconds,
            "processes": processes,
        }
        save_state({**known, **state.of_made(self.bare)}, self.folder)

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from a state that was saved with the same task and settings.

        Raises:
            UsageProblem: it was saved with others.
        """
        state.check(saved, self._decisive)
        state.restore_made(self.bare, saved)
        self.machine.restore_precision(saved["precision"])
        self.history = History([Epoch(**epoch) for epoch in saved["epochs"]], saved["best"])
        self.batch, self._before = saved["batch"], saved["seconds"]
        own = saved["processes"][self.machine.share.rank]
        self._losses = Losses(*own["losses"])
        self._at_epoch = own["epoch"]
        try:
            self._restore_randomness(own["now"])
        except ValueError as error:
            raise failed("Going on with the training", error, "The task is another one now: train it anew.") from error

    @property
    def _decisive(self) -> dict[str, Any]:
        """What decides the outcome: a training goes on only with the same. A schedule for a number of steps makes the epochs decide it too."""
        validation = self.task.validation
        return {
            **self.settings.decisive,
            **({"epochs": self.settings.epochs} if self.planned else {}),
            "processes": self.machine.share.of,
            "examples": len(self.data),  # pyright: ignore[reportArgumentType]
            "validation examples": 0 if validation is None else len(validation),  # pyright: ignore[reportArgumentType]
            "batch_size": self.task.batch_size,
        }

    def _randomness(self) -> dict[str, Any]:
        return randomness.state(*self._holders)

    def _restore_randomness(self, saved: dict[str, Any]) -> None:
        randomness.restore(saved, *self._holders)

    @property
    def _holders(self) -> tuple[Any, ...]:
        return self.task.train, self.task.validation, self.bare.model, self.bare.loss


def _are_numbers(model: torch.nn.Module) -> bool:
    return all(bool(torch.isfinite(each).all()) for each in model.parameters())
