"""Hears state dicts, taken, loaded and saved; and whether one still shared memory with weights that had moved."""

from __future__ import annotations

import functools
import os
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from seatrial.events import Checkpoint, Place, StateKept
from seatrial.taps.guarding import guarded
from seatrial.taps.schedules import scheduler_classes
from seatrial.taps.watch import Watch

MOST_KEYS = 64


def install(watch: Watch) -> None:
    """Listen."""
    tap = _StateTap(watch)
    watch.patches.wrap(torch.nn.Module, "state_dict", tap.make_state)
    watch.patches.wrap(torch.nn.Module, "load_state_dict", tap.make_load("model"))
    watch.patches.wrap(Optimizer, "load_state_dict", tap.make_load("optimizer"))
    watch.patches.wrap(GradScaler, "load_state_dict", tap.make_load("scaler"))
    for kind in scheduler_classes("load_state_dict"):
        watch.patches.wrap(kind, "load_state_dict", tap.make_load("scheduler"))
    for name, action in (("save", "save"), ("load", "load")):
        # One replacement for both names: it must stay the same object under each.
        make = functools.cache(functools.partial(tap.make_file, action))
        for owner in (torch.serialization, torch):
            watch.patches.wrap(owner, name, make)
    watch.at_finish.append(guarded(watch, "the state dicts that were kept", tap.last_words))


@dataclass(slots=True)
class _Taken:
    """A state dict that was taken: by one of its tensors, which is alive as long as somebody keeps the state.

    The tensor is a view of a live weight that shares its version counter: the counter tells that the weight moved.
    A copy (deepcopy, clone) has tensors of its own, and so is not taken for this one."""

    tensor: weakref.ref[torch.Tensor]
    version: int
    model: int
    tick: int
    where: Place | None
    used: bool = False


class _StateTap:
    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.running = 0
        self.taken: dict[int, _Taken] = {}
        # Tick and place at which the state of a model was taken last.
        self.last: dict[int, tuple[int, Place | None]] = {}
        self.note_state = guarded(watch, "a state dict", self._state)
        self.note_load = guarded(watch, "the loading of a state dict", self._load)
        self.note_file = guarded(watch, "a checkpoint", self._file)

    def make_state(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def state_dict(module: Any, *args: Any, **kwargs: Any) -> Any:
            # A module asks its children with `destination`, so most calls are not the user's.
            if not self.watch.on or self.running or args or "destination" in kwargs:
                return original(module, *args, **kwargs)
            self.running += 1
            try:
                state = original(module, *args, **kwargs)
            finally:
                self.running -= 1
            self.note_state(module, state, sys._getframe(1))
            return state

        return state_dict

    def make_load(self, detail: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            def load_state_dict(owner: Any, *args: Any, **kwargs: Any) -> Any:
                if not self.watch.on or self.running:
                    return original(owner, *args, **kwargs)
                self.note_load(detail, owner, args[0] if args else kwargs.get("state_dict"), sys._getframe(1))
                self.running += 1
                try:
                    return original(owner, *args, **kwargs)
                finally:
                    self.running -= 1

            return load_state_dict

        return make

    def make_file(self, action: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def file(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            if self.watch.on and not self.running:
                content = result if action == "load" else args[0] if args else kwargs.get("obj")
                where = args[0 if action == "load" else 1 :][:1] or (kwargs.get("f"),)
                self.note_file(action, content, where[0], sys._getframe(1))
            return result

        return file

    # ---- listening -----------------------------------------------------------------------------------------------

    def _state(self, module: Any, state: Any, frame: FrameType) -> None:
        tensor = _witness(module, state)
        if tensor is None:
            return
        watch = self.watch
        model, place = watch.models.of(module), watch.place(frame)
        self.last[model] = watch.tick, place
        self.taken = {key: taken for key, taken in self.taken.items() if taken.tensor() is not None}
        self.taken[id(tensor)] = _Taken(weakref.ref(tensor), tensor._version, model, watch.tick, place)

    def _load(self, detail: str, owner: Any, state: Any, frame: FrameType) -> None:
        watch = self.watch
        place = watch.place(frame)
        ids = {"model": watch.models, "optimizer": watch.optimizers, "scheduler": watch.schedulers}.get(detail)
        watch.call("load", ids.of(owner) if ids is not None else -1, detail, place)
        if detail != "model":
            return
        model = watch.models.of(owner)
        for listener in watch.at_load:
            listener(owner, state)
        if self._used(state, "loaded", place, model):
            return
        if _is_own(owner, state):
            # Views of the weights made by hand: when is not known, but at the last taking of a state at the earliest.
            tick, where = self.last.get(model, (0, None))
            watch.send(StateKept(tick, model, where, place, "loaded", watch.tick > tick, model))
            return
        self._remember_views(state)

    def _remember_views(self, state: Any) -> None:
        """A mapping of views, made by hand, of the weights of another model: it is known again if it is loaded once more."""
        watch = self.watch
        for model, root in watch.models.living():
            own = {parameter.data_ptr() for parameter in root.parameters() if parameter.numel()}
            for tensor in _tensors(state):
                if tensor.numel() and tensor.data_ptr() in own and not isinstance(tensor, torch.nn.Parameter):
                    _, where = self.last.get(model, (0, None))
                    self.taken[id(tensor)] = _Taken(
                        weakref.ref(tensor), tensor._version, model, watch.tick, where, True
                    )
                    return

    def _file(self, action: str, content: Any, file: Any, frame: FrameType) -> None:
        watch = self.watch
        place = watch.place(frame)
        keys = tuple(str(key) for key in list(content)[:MOST_KEYS]) if isinstance(content, Mapping) else ()
        named = isinstance(file, (str, os.PathLike))
        watch.send(Checkpoint(watch.tick, action, os.fspath(file) if named else type(file).__name__, keys, place))
        if action == "save":
            self._used(content, "saved", place)

    def _used(self, content: Any, use: str, place: Place | None, into: int = -1) -> bool:
        """A mapping is loaded or saved: is a state that was taken earlier in it, or one level below?"""
        known = False
        for tensor in _tensors(content):
            taken = self.taken.get(id(tensor))
            if taken is not None and taken.tensor() is tensor:
                aliased = tensor._version != taken.version
                known = taken.used = True
                if aliased or use == "loaded":
                    self._send(taken, use, place, aliased, into)
        return known

    def _send(self, taken: _Taken, use: str, place: Place | None, aliased: bool, into: int = -1) -> None:
        self.watch.send(StateKept(taken.tick, taken.model, taken.where, place, use, aliased, into))

    def last_words(self) -> None:
        """The script has ended: which states that were never loaded or saved does it still keep?"""
        for taken in self.taken.values():
            tensor = taken.tensor()
            if tensor is not None and not taken.used and tensor._version != taken.version:
                self._send(taken, "kept", None, True)


def _witness(module: Any, state: Any) -> torch.Tensor | None:
    """A tensor of a state dict by which it is known again: of a weight that trains, if there is one."""
    trained = {name for name, parameter in module.named_parameters() if parameter.requires_grad}
    tensors = [
        (name, value)
        for name, value in state.items()
        if isinstance(value, torch.Tensor) and not isinstance(value, torch.nn.Parameter) and value.numel()
    ]
    chosen = next((value for name, value in tensors if name in trained), None)
    return chosen if chosen is not None else next((value for _, value in tensors), None)


def _is_own(module: Any, state: Any) -> bool:
    """Whether a mapping's tensors lie where the module's own weights lie, so that loading it changes nothing."""
    if not isinstance(state, Mapping):
        return False
    own = ((parameter, state.get(name)) for name, parameter in module.named_parameters() if parameter.numel())
    shared = [value.data_ptr() == parameter.data_ptr() for parameter, value in own if isinstance(value, torch.Tensor)]
    return bool(shared) and all(shared)


def _tensors(content: Any) -> Iterator[torch.Tensor]:
    """The tensors of a mapping and of the mappings in it."""
    for value in content.values() if isinstance(content, Mapping) else ():
        for part in value.values() if isinstance(value, Mapping) else (value,):
            if isinstance(part, torch.Tensor):
                yield part
