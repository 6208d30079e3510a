"""What all taps share: the clock, the numbers of things, the log of calls, and the way out for events."""

from __future__ import annotations

import os
import sys
import time
import weakref
from collections.abc import Callable
from linecache import getlines
from threading import enumerate as threads
from threading import get_ident
from types import FrameType
from typing import Any

import torch

from seatrial.events import (
    CallSeen,
    Clips,
    Event,
    GraphSeen,
    Losses,
    ModelSeen,
    NotLookedAt,
    OptimizerBuilt,
    Place,
    Settings,
    SourceSeen,
)
from seatrial.measure.access import read_later
from seatrial.places import place_of
from seatrial.step.recorded import Recorded
from seatrial.taps.examples import Examples
from seatrial.taps.identities import Ids
from seatrial.taps.patching import Patches
from seatrial.taps.turns import TurnLog

_is_tracing = torch._C._is_tracing
_INTRODUCING = (CallSeen, ModelSeen, OptimizerBuilt)


class Watch:
    """The state of a watched run. Taps call it; it sends events. Everything here is cheap: it runs at every step."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self.on = True
        self.thread = get_ident()  # the one whose training loop is heard
        self.started = time.perf_counter()
        self.seconds = 0.0
        self.steps: dict[int, Recorded] = {}  # by backward call: steps recorded with their values
        self.optimizer_classes: dict[int, type[torch.optim.Optimizer]] = {}
        self.tick = 0
        self.optimizer_steps = 0
        self.sketching = True  # whether batches of this turn are to be sketched by whoever meets them
        self.sharded = False  # each process holds but a part of the parameters
        self.last_data = -1  # the data set (by id) of the batch that a DataLoader gave last
        self.examples = Examples()
        self.patches = Patches()
        self.models = Ids()
        self.optimizers = Ids()
        self.schedulers = Ids()
        self.parameters = Ids()
        self.loaders = Ids()
        self.turns = TurnLog(self.send, lambda: self.tick)
        self.calls: dict[tuple[str, int, str, Place | None], int] = {}
        self._numbers: dict[tuple[str, int, str, int], tuple[int, Place | None]] = {}
        self.onlookers: list[Callable[[Event], None]] = []  # others that are told of every event
        self.introductions: list[Event] = []  # what a late onlooker has to know
        self.at_backward: list[Callable[[Any, int], None]] = []
        self.at_load: list[Callable[[Any, Any], None]] = []
        self.at_finish: list[Callable[[], None]] = []
        self.stop_looking: Callable[[], None] = lambda: None  # ends a close look
        self.at_first_step: Callable[[], None] | None = None
        self._losses: dict[int, tuple[list[int], list[Any]]] = {}
        self._settings: dict[tuple[int, int, str], tuple[list[int], list[float]]] = {}
        self._clips: dict[int, tuple[list[int], list[Any], float, int, int, tuple[int, ...]]] = {}
        self._sources: set[str] = set()
        self._said: set[tuple[str, str]] = set()
        own = weakref.ref(self)  # what is registered stays for the life of the process: the watch need not
        os.register_at_fork(after_in_child=lambda: _silence(own()))

    def silence(self) -> None:
        """In a forked child: hear nothing, send nothing."""
        self.on = False

    def hears(self) -> bool:
        """Whether what this thread does now belongs to the loop that is heard. Loops of several threads are several programs:
        their calls mixed would be a program that nobody wrote."""
        if not self.on or _is_tracing():  # a tracer would take our own calls for the program's
            return False
        return get_ident() == self.thread or self._follow(all(each.ident != self.thread for each in threads()))

    def trains(self) -> bool:
        """As `hears`, for a call that trains: the first thread that trains is the one that is heard."""
        if self.hears():
            return True
        if not self.on or _is_tracing():
            return False
        if self._follow(not self.tick and not self.optimizer_steps):
            return True
        self.not_looked_at("training in other threads", "the loop of one thread is looked at, the first that trains")
        return False

    def _follow(self, free: bool) -> bool:
        """Hear this thread from now on, if the one that was heard until now has ended or does not train."""
        if free:
            self.stop_looking()
            self.thread = get_ident()
        return free

    # ---- sending -------------------------------------------------------------------------------------------------

    def send(self, event: Event) -> None:
        if self.on:
            self._emit(event)
            if isinstance(event, _INTRODUCING):
                self.introductions.append(event)
            for tell in self.onlookers:
                tell(event)

    def not_looked_at(self, what: str, why: str) -> None:
        """Say (once) that something is not looked at."""
        if (what, why) not in self._said:
            self._said.add((what, why))
            self.send(NotLookedAt(what, why))

    def source(self, place: Place | None) -> Place | None:
        """Keep the text of the file of a place; returns the place."""
        if place is not None and place.file not in self._sources:
            self._sources.add(place.file)
            try:
                with open(place.file, encoding="utf-8", errors="replace") as file:
                    self.send(SourceSeen(place.file, file.read()))
            except OSError as error:
                if lines := getlines(place.file):  # a cell of a notebook is in no file
                    self.send(SourceSeen(place.file, "".join(lines)))
                else:
                    self.not_looked_at(f"the source of {place.file}", str(error))
        return place

    def graph(self, seen: GraphSeen) -> None:
        """Send a graph, the sources of its lines with it: a file that only calls functions is known by no other event."""
        for node in seen.nodes:
            self.source(node.where)
        self.send(seen)

    def place(self, frame: FrameType | None = None) -> Place | None:
        """The nearest line of user code outwards from `frame` (default: the caller), its source kept."""
        return self.source(place_of(frame if frame is not None else sys._getframe(1)))

    def optimizer(self, thing: Any) -> int:
        """The number of an optimizer; of a wrapper, that of the optimizer whose param groups it shows as its own."""
        if self.optimizers.get(thing) is None:
            groups = getattr(thing, "param_groups", None)
            for number, known in self.optimizers.living():
                if groups is not None and getattr(known, "param_groups", None) is groups:
                    return number
        return self.optimizers.of(thing)

    # ---- the log of calls ----------------------------------------------------------------------------------------

    def call(self, kind: str, subject: int, detail: str, place: Place | None) -> int:
        """Note a call in the turn that is going on; returns the id of its kind of call."""
        at = (kind, subject, detail, id(place))  # equal places are the same object; to hash one takes longer
        known = self._numbers.get(at)
        if known is None:
            known = self._numbers[at] = (self._new_call(kind, subject, detail, place), place)
        self.turns.note(known[0])
        return known[0]

    def _new_call(self, kind: str, subject: int, detail: str, place: Place | None) -> int:
        key = (kind, subject, detail, place)
        if key not in self.calls:
            self.calls[key] = len(self.calls)
            self.source(place)
            self.send(CallSeen(self.calls[key], kind, subject, detail, place))
        return self.calls[key]

    # ---- series --------------------------------------------------------------------------------------------------

    def loss(self, call: int, value: Any) -> None:
        """Keep a loss: a float, or a tensor that is read later (no synchronisation now)."""
        series = self._losses.get(call)
        if series is None:
            series = self._losses[call] = ([], [])
        series[0].append(self.tick)
        series[1].append(value)
        if len(series[0]) >= 256:
            self._flush_losses(call)

    def _flush_losses(self, call: int) -> None:
        ticks, values = self._losses.pop(call)
        self.send(Losses(call, tuple(ticks), tuple(read_later(values))))

    def setting(self, optimizer: int, group: int, name: str, value: float) -> None:
        """Keep a setting of a param group that has changed."""
        ticks, values = self._settings.setdefault((optimizer, group, name), ([], []))
        ticks.append(self.tick)
        values.append(value)
        if len(ticks) >= 256:
            self._flush_setting((optimizer, group, name))

    def _flush_setting(self, key: tuple[int, int, str]) -> None:
        ticks, values = self._settings.pop(key)
        self.send(Settings(*key, ticks=tuple(ticks), values=tuple(values)))

    def clip(
        self, call: int, norm: Any, bound: float, tensors: int, with_gradient: int, parameters: tuple[int, ...]
    ) -> None:
        """Keep a clipping: `norm` a float or a tensor (read later)."""
        ticks, norms, *_ = self._clips.get(call, ([], []))
        ticks.append(self.tick)
        norms.append(norm)
        self._clips[call] = (ticks, norms, bound, tensors, with_gradient, parameters)
        if len(ticks) >= 256:
            self._flush_clips(call)

    def _flush_clips(self, call: int) -> None:
        ticks, norms, bound, tensors, with_gradient, parameters = self._clips.pop(call)
        self.send(Clips(call, tuple(ticks), tuple(read_later(norms)), bound, tensors, with_gradient, parameters))

    def pending(self) -> list[Event]:
        """Series that were not sent yet, as they stand; they are kept back further."""
        found: list[Event] = [
            Losses(call, tuple(ticks), tuple(read_later(values))) for call, (ticks, values) in self._losses.items()
        ]
        found += [
            Settings(*key, ticks=tuple(ticks), values=tuple(values)) for key, (ticks, values) in self._settings.items()
        ]
        return found

    def flush(self) -> None:
        """Send all that has been kept back."""
        for call in list(self._losses):
            self._flush_losses(call)
        for key in list(self._settings):
            self._flush_setting(key)
        for call in list(self._clips):
            self._flush_clips(call)
        self.turns.flush()

    def finish(self) -> None:
        """The script has ended: send what is left and stop listening."""
        if not self.on:
            return
        for last_word in self.at_finish:
            try:
                last_word()
            except (
                Exception
            ) as error:  # of a device that has failed nothing can be read: what is known already still counts
                self.not_looked_at("a part of the end of the run", f"{type(error).__name__}: {str(error)[:200]}")
        self.turns.finish()
        self.flush()
        self.patches.restore()
        self.on = False


def _silence(watch: Watch | None) -> None:
    if watch is not None:
        watch.silence()
