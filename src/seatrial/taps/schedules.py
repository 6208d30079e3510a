"""Hears learning-rate schedulers: their construction, and the steps that the user's code makes them take."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

from torch.compiler import is_compiling
from torch.optim import lr_scheduler

from seatrial.events import Scalar, SchedulerBuilt
from seatrial.taps.guarding import constructor_caller, guarded
from seatrial.taps.watch import Watch

# Settings that are lists are told up to this length.
LONGEST_LIST = 32


def scheduler_classes(method: str) -> list[type]:
    """The schedulers of torch that define a method of their own."""
    classes = {value: None for value in vars(lr_scheduler).values() if isinstance(value, type)}
    return [kind for kind in classes if issubclass(kind, lr_scheduler.LRScheduler) and method in vars(kind)]


def install(watch: Watch) -> None:
    """Listen. Schedulers of the user's own are heard through the methods of torch's that they call."""
    tap = _ScheduleTap(watch)
    for kind in scheduler_classes("__init__"):
        watch.patches.wrap(kind, "__init__", tap.make_init)
    for kind in scheduler_classes("step"):
        watch.patches.wrap(kind, "step", tap.make_step)


class _ScheduleTap:
    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        # Schedulers whose constructor or step is running, the outermost first: calls within are not the user's.
        self.running: list[Any] = []
        self.note_built = guarded(watch, "the construction of a scheduler", self._built)
        self.note_step = guarded(watch, "the step of a scheduler", self._step)

    def make_init(self, original: Callable[..., None]) -> Callable[..., None]:
        def __init__(scheduler: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            if not self.watch.on or any(other is scheduler for other in self.running):
                original(scheduler, *args, **kwargs)
                return
            self.running.append(scheduler)
            try:
                original(scheduler, *args, **kwargs)
            finally:
                self.running.pop()
            self.note_built(scheduler, sys._getframe(1))

        return __init__

    def make_step(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def step(scheduler: Any, *args: Any, **kwargs: Any) -> Any:
            if is_compiling() or not self.watch.hears() or self.running:
                return original(scheduler, *args, **kwargs)
            self.note_step(scheduler, sys._getframe(1))
            self.running.append(scheduler)
            try:
                return original(scheduler, *args, **kwargs)
            finally:
                self.running.pop()

        return step

    def _built(self, scheduler: Any, frame: FrameType) -> None:
        watch = self.watch
        watch.send(
            SchedulerBuilt(
                tick=watch.tick,
                scheduler=watch.schedulers.of(scheduler),
                type=type(scheduler).__name__,
                optimizer=watch.optimizer(scheduler.optimizer),
                settings=self._settings(scheduler),
                where=watch.place(constructor_caller(frame, scheduler)),
            )
        )

    def _step(self, scheduler: Any, frame: FrameType) -> None:
        watch = self.watch
        watch.call("schedule", watch.schedulers.of(scheduler), type(scheduler).__name__, watch.place(frame))

    def _settings(self, scheduler: Any) -> dict[str, Scalar]:
        """Plain attributes; lists of numbers, and the numbers of the schedulers inside, as "1, 5, 9"."""
        found: dict[str, Scalar] = {}
        for name, value in vars(scheduler).items():
            if isinstance(value, (bool, int, float, str)):
                found |= {} if name.startswith("_") else {name: value}
                continue
            parts = sorted(value.elements()) if isinstance(value, Counter) else value
            if not isinstance(parts, (list, tuple)) or not 0 < len(parts) <= LONGEST_LIST:
                continue
            if all(isinstance(part, lr_scheduler.LRScheduler) for part in parts):
                parts = [self.watch.schedulers.of(part) for part in parts]
            if all(isinstance(part, (int, float)) for part in parts):
                found[name.lstrip("_")] = ", ".join(str(part) for part in parts)
        return found
