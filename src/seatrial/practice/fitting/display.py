"""What a training says while it goes on: a bar with loss, validation, rate and the time left; a line for each epoch."""

from __future__ import annotations

import math
import os
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from seatrial.numbers import decimal
from seatrial.practice.fitting.history import Epoch, History
from seatrial.practice.fitting.settings import Settings
from seatrial.terminals import can_move


class Display:
    """Lines on stderr; the bar only on a terminal or in a notebook."""

    def __init__(self, wanted: bool, settings: Settings) -> None:
        self._console = Console(stderr=True, quiet=not wanted, highlight=False)
        self._settings = settings
        live = wanted and can_move(self._console)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}", markup=False),
            console=self._console,
            transient=True,
            redirect_stdout=False,  # what the task prints goes where it always goes
            redirect_stderr=False,
            disable=not live,
        )
        self._line = self._progress.add_task("making the model", total=None, left="")
        self._told = 0

    def told(self, history: History, done: int, of: int, seconds: float) -> None:
        """So many batches of the next epoch are done, in so many seconds."""
        self._tell_epochs(history)
        epochs = len(history.epochs)
        left = seconds / max(1, done) * (of - done + of * (self._settings.last - epochs - 1))
        self._progress.update(
            self._line,
            description=f"epoch {epochs + 1} of at most {self._settings.last}",
            completed=done,
            total=of,
            left=f"at most {_time(left)} left",
        )

    def end(self, history: History, ending: str) -> None:
        """No epoch follows; `ending` says why, where it is not as it was meant."""
        self._tell_epochs(history)
        if ending:
            self._console.print(ending, soft_wrap=True, markup=False)

    def interrupted(self, history: History, batch: int, folder: Path) -> None:
        """A signal came: how to go on."""
        self._tell_epochs(history)
        where = f"Interrupted in epoch {len(history.epochs) + 1} after batch {batch}"
        how = "--resume goes on from there (in Python: fit(..., resume=True))"
        self._console.print(f"{where}; the state is in {os.path.relpath(folder)}. {how}.", soft_wrap=True, markup=False)

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def _tell_epochs(self, history: History) -> None:
        for epoch in history.epochs[self._told :]:
            self._console.print(line_of(epoch, best=history.best == epoch.number), soft_wrap=True)
        self._told = len(history.epochs)


def line_of(epoch: Epoch, *, best: bool) -> str:
    """An epoch in a line."""
    parts = [f"epoch {epoch.number:3}", f"loss {decimal(epoch.training)}"]
    if not math.isnan(epoch.validation):
        parts.append(f"validation {decimal(epoch.validation)}")
    parts += [f"{name} {decimal(value)}" for name, value in epoch.metrics.items()]
    parts += [f"rate {decimal(epoch.rate, 3)}", f"{epoch.seconds:.1f} s"]
    return "  ".join(parts) + ("  best" if best else "")


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
