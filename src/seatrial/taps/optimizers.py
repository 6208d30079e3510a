"""Hears optimizers: construction, clearing of gradients, steps; measures parameters around a step looked at closely."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch.compiler import is_compiling
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from seatrial.events import GroupInfo, Look, OptimizerBuilt, Scalar
from seatrial.measure.parameters import Before, before, holding, look, with_gradients
from seatrial.places import chain, loops_around
from seatrial.step.unheard import unheard
from seatrial.taps.filters import FilterTap
from seatrial.taps.gradient_pairs import GradientPairs
from seatrial.taps.guarding import guarded
from seatrial.taps.models import Models
from seatrial.taps.recording import Recording
from seatrial.taps.sites import Sites
from seatrial.taps.standings import Standings, parameters_of
from seatrial.taps.watch import Watch

MOST_ELEMENTS = 30_000_000


class OptimizerTap:
    """What is heard of optimizers, and the full looks at their parameters."""

    def __init__(self, watch: Watch, recording: Recording, models: Models, standings: Standings) -> None:
        self.watch = watch
        self._standings = standings
        self.recording = recording
        self.models = models
        self._settings: dict[tuple[int, int, str], float] = {}
        self._last_settings: dict[int, list[tuple[Any, ...]]] = {}  # by optimizer: of each group
        self._clears = Sites(watch, "zero_grad")
        self._steps = Sites(watch, "step")
        self._stepped: set[int] = set()
        self._sent: set[int] = set()
        self._stale: dict[int, list[bool]] = {}
        # The optimizer that steps, its parameters, what is known of them, and how many backward passes came before.
        self._before: tuple[int, list[torch.Tensor], Before, int] | None = None
        self._nested = 0
        self._pairs = GradientPairs(watch)
        self._filters = FilterTap(watch)
        recording.steps.at_step.append(self._filters.learn)
        self._running: list[int] = []  # optimizers that are stepping, by id(), the outermost first
        self._around = 0  # within so many of these, from the outermost on, another one has stepped
        self._note_built = guarded(watch, "the construction of an optimizer", self._built)
        self._note_group = guarded(watch, "a param group", self._group_added)

    def install(self) -> None:
        watch = self.watch
        watch.patches.wrap(Optimizer, "__init__", self._make_init)
        watch.patches.wrap(Optimizer, "zero_grad", self._make_zero_grad)
        watch.patches.wrap(Optimizer, "add_param_group", self._make_add)
        handles = [
            register_optimizer_step_pre_hook(self._guarded(self._before_step, deaf_within=_torch_alone)),
            register_optimizer_step_post_hook(self._guarded(self._after_step)),
        ]

        def unhook() -> None:
            for handle in handles:
                handle.remove()

        watch.at_finish.append(unhook)
        watch.at_backward.append(self._at_backward)

    def _guarded(
        self,
        listener: Callable[[Optimizer], None],
        deaf_within: Callable[[Optimizer, Any, Any], bool] = lambda optimizer, args, kwargs: False,
    ) -> Callable[..., None]:
        """A hook that calls a listener. `deaf_within`: whether nothing is to be recorded from then on to the next hook."""
        watch, recording = self.watch, self.recording

        def hook(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
            if is_compiling() or not watch.trains():
                return
            recorder = recording.recorder
            if recorder is not None:
                recorder.inert = True
            try:
                with unheard(recording.looking or self._pairs.first is not None):
                    listener(optimizer)
            except Exception as error:
                watch.not_looked_at("an optimizer's step", f"{type(error).__name__}: {error}")
            if recorder is not None and recording.recorder is recorder:
                recorder.inert = deaf_within(optimizer, args, kwargs)

        return hook

    # ---- construction --------------------------------------------------------------------------------------------

    def _make_init(self, original: Callable[..., None]) -> Callable[..., None]:
        def __init__(optimizer: Optimizer, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            self._nested += 1
            try:
                original(optimizer, *args, **kwargs)
            finally:
                self._nested -= 1
            if self.watch.on:
                self._note_built(optimizer, sys._getframe(1))

        return __init__

    def _make_add(self, original: Callable[..., None]) -> Callable[..., None]:
        def add_param_group(optimizer: Optimizer, *args: Any, **kwargs: Any) -> None:
            original(optimizer, *args, **kwargs)
            if self.watch.on and not self._nested:
                self._note_group(optimizer, sys._getframe(1))

        return add_param_group

    def _built(self, optimizer: Optimizer, frame: FrameType) -> None:
        self._send(optimizer, frame)
        if not self.watch.hears():
            return
        if not self.recording.started:
            self.recording.begin()
        self.recording.phase()

    def _group_added(self, optimizer: Optimizer, frame: FrameType) -> None:
        if self.watch.optimizers.get(optimizer) is not None:
            self._send(optimizer, frame)
            self.recording.phase()

    def _introduce(self, optimizer: Optimizer) -> None:
        """An optimizer that steps: send it if it was constructed before we listened."""
        if self.watch.optimizers.of(optimizer) not in self._sent:
            self._send(optimizer, None)

    def _send(self, optimizer: Optimizer, frame: FrameType | None) -> None:
        lines = chain(frame, 6) if frame is not None else ()
        self._sent.add(self.watch.optimizers.of(optimizer))
        self.watch.optimizer_classes[self.watch.optimizers.of(optimizer)] = type(optimizer)
        groups = [
            GroupInfo(tuple(self.watch.parameters.of(p) for p in group["params"]), _settings(group))
            for group in optimizer.param_groups
        ]
        self.watch.send(
            OptimizerBuilt(
                self.watch.tick,
                self.watch.optimizers.of(optimizer),
                type(optimizer).__name__,
                tuple(groups),
                self.watch.source(lines[0] if lines else None),
                loops_around(lines),
            )
        )

    def _make_zero_grad(self, original: Callable[..., None]) -> Callable[..., None]:
        watch, recording, note = self.watch, self.recording, self._clears.note

        def zero_grad(optimizer: Optimizer, *args: Any, **kwargs: Any) -> None:
            if not is_compiling() and watch.hears():
                try:
                    note(watch.optimizers.of(optimizer), "", 1)
                except Exception as error:
                    watch.not_looked_at("a clearing of gradients", f"{type(error).__name__}: {error}")
            recording.deaf(original, optimizer, *args, **kwargs)

        return zero_grad

    # ---- steps ---------------------------------------------------------------------------------------------------

    def _at_backward(self, losses: tuple[torch.Tensor, ...], call: int) -> None:
        """Close look: were gradients left over from before an optimizer's last step cleared by now?"""
        for number, optimizer in self.watch.optimizers.living():
            if number not in self._stepped:
                continue
            held = holding(parameters_of(optimizer))
            known = self._stale.get(number)
            same = known is not None and len(known) == len(held)
            self._stale[number] = [a and b for a, b in zip(known, held, strict=True)] if known and same else held

    def _before_step(self, optimizer: Optimizer) -> None:
        running = self._running
        if running:
            if id(optimizer) in running:  # its last step failed
                del running[running.index(id(optimizer)) :]
            self._around = len(running)
        running.append(id(optimizer))
        if self._pairs.first is not None:
            self._close_pair(optimizer)
        self._standings.before_step(optimizer)
        if not self.recording.looking:
            return
        self._introduce(optimizer)
        parameters = parameters_of(optimizer)
        if sum(p.numel() for p in parameters) <= MOST_ELEMENTS:
            start = time.thread_time()
            self._before = (id(optimizer), parameters, before(parameters), self.recording.backwards)
            self._pairs.open(self.watch.optimizers.of(optimizer), parameters, self.recording.backwards)
            self.recording.took(time.thread_time() - start)

    def _close_pair(self, optimizer: Optimizer) -> None:
        start = time.thread_time()
        self._pairs.close(self.watch.optimizers.of(optimizer), parameters_of(optimizer))
        self.recording.spent(time.thread_time() - start)

    def _delegated(self, optimizer: Optimizer) -> bool:
        """Whether a step that ends was made by others that stepped within it: then it is no step of its own."""
        running, around = self._running, self._around
        while running:
            if running.pop() == id(optimizer):
                self._around = min(around, len(running))
                return len(running) < around
        self._around = 0
        return False

    def _after_step(self, optimizer: Optimizer) -> None:
        running = self._running
        if len(running) == 1 and running[0] == id(optimizer) and not self._around:  # nearly always
            running.clear()
        elif self._delegated(optimizer):
            return
        watch = self.watch
        number = watch.optimizers.of(optimizer)
        if self.recording.looking:
            start = time.thread_time()
            self._look(optimizer, number)
            self.recording.took(time.thread_time() - start)
        settings = list(map(_watched, optimizer.param_groups))
        if settings != self._last_settings.get(number):
            self._introduce(optimizer)
            self._note_settings(number, settings)
            self._stepped.add(number)
        # Our hook is called by torch's own `step`, called by whoever steps.
        self._steps.note(number, type(optimizer).__name__, 3)
        watch.optimizer_steps += 1
        watch.turns.end()
        if self._stale:
            self._stale.pop(number, None)
        if watch.at_first_step is not None:
            first, watch.at_first_step = watch.at_first_step, None
            first()
        self.recording.next_turn()

    def _note_settings(self, number: int, settings: list[tuple[Any, ...]]) -> None:
        # A rate that is a tensor may be changed in place: such settings are compared anew each time.
        tensors = any(isinstance(values[0], torch.Tensor) for values in settings)
        self._last_settings[number] = [] if tensors else settings
        for index, values in enumerate(settings):
            for name, value in zip(_WATCHED, values, strict=True):
                if value is not None:
                    self._setting(number, index, name, value)

    def _setting(self, number: int, index: int, name: str, value: Any) -> None:
        values = value if isinstance(value, tuple) else (value,)
        for position, part in enumerate(values):
            key = (number, index, name if len(values) == 1 else f"{name[:-1]}{position + 1}")
            if isinstance(part, torch.Tensor):
                if not part.is_cpu:
                    continue
                part = part.item()
            if self._settings.get(key) != part and isinstance(part, (int, float)):
                self._settings[key] = part
                self.watch.setting(*key, float(part))

    def _look(self, optimizer: Optimizer, number: int) -> None:
        kept = self._before
        self._before = None
        self.models.owned(parameters_of(optimizer), number)
        self.models.note_fates(self.watch.optimizers.living())
        for model, _ in self.models.living():
            self.models.look_again(model)
        if kept is None or kept[0] != id(optimizer):
            return
        _, parameters, figures, backwards = kept
        if self.recording.backwards > backwards:
            figures = with_gradients(figures.weights, parameters)
        self._filters.look(parameters, figures.weights)
        stale = self._stale.get(number)
        columns = look(parameters, figures)
        self.watch.send(
            Look(
                self.watch.tick,
                number,
                tuple(self.watch.parameters.of(p) for p in parameters),
                *columns,
                stale=tuple(float(s) for s in stale) if stale else (float("nan"),) * len(parameters),
            )
        )


_WATCHED = ("lr", "momentum", "weight_decay", "betas")


def _watched(group: dict[str, Any]) -> tuple[Any, ...]:
    get = group.get
    return (get("lr"), get("momentum"), get("weight_decay"), get("betas"))


def _torch_alone(optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a step runs no code but torch's own: its arithmetic is in no graph, and a close look ends with the step."""
    return len(args) < 2 and not kwargs and str(type(optimizer).step.__module__).startswith("torch.optim.")


def _settings(group: dict[str, Any]) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {}
    for name, value in group.items():
        if isinstance(value, (bool, int, float, str)):
            found[name] = value
        elif isinstance(value, torch.Tensor) and value.numel() == 1 and value.is_cpu:
            found[name] = value.item()
        elif name == "betas" and isinstance(value, tuple):
            found |= {f"beta{i + 1}": float(beta) for i, beta in enumerate(value)}
    return found
