"""Hears what the program itself sends through process groups: how often, how much, from which line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any

import torch
from torch import distributed

from seatrial.events import Exchanged, Place
from seatrial.places import place_of
from seatrial.taps.guarding import guarded
from seatrial.taps.patching import Patches
from seatrial.taps.watch import Watch

# Methods of torch.distributed.ProcessGroup, in the names of all versions: whoever calls a collective from Python comes by here.
METHODS = (
    "broadcast allreduce allreduce_coalesced reduce allgather all_gather_single _allgather_base allgather_coalesced "
    "all_gather_single_coalesced allgather_into_tensor_coalesced gather scatter reduce_scatter reduce_scatter_single "
    "_reduce_scatter_base reduce_scatter_single_coalesced reduce_scatter_tensor_coalesced all_to_all_single alltoall_base "
    "alltoall send recv recv_anysource"
).split()


class _Sum:
    """What is counted of one method."""

    def __init__(self) -> None:
        self.calls = 0
        self.elements = 0
        self.apart = False
        self.where: Place | None = None


class Exchanges:
    """Counts of a run. `since_step`: elements exchanged since it was last set to 0."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.since_step = 0
        self._sums: dict[str, _Sum] = {}
        self._note = guarded(watch, "an exchange between processes", self._exchanged)
        watch.at_finish.append(self.last_words)

    def install(self) -> None:
        if not distributed.is_available():
            return
        group: Any = distributed.ProcessGroup
        for name in METHODS:
            if name in vars(group):
                self.watch.patches.wrap(group, name, self._make(name))

    def _make(self, name: str) -> Callable[[Any], Callable[..., Any]]:
        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            def exchange(group: Any, *args: Any, **kwargs: Any) -> Any:
                if self.watch.on and not torch.compiler.is_compiling():
                    self._note(name, group, (*args, *kwargs.values()), sys._getframe(1))
                return original(group, *args, **kwargs)

            return exchange

        return make

    def _exchanged(self, name: str, group: Any, given: Iterable[Any], frame: Any) -> None:
        total = self._sums.get(name)
        if total is None:
            total = self._sums[name] = _Sum()
        elements = sum(map(_elements, given))
        total.calls += 1
        total.elements += elements
        self.since_step += elements
        if distributed.is_initialized() and group.size() < distributed.get_world_size():
            total.apart = True
        if total.where is None:
            total.where = place_of(frame)

    def last_words(self) -> None:
        """The script has ended."""
        for name, total in self._sums.items():
            where = self.watch.source(total.where)
            self.watch.send(Exchanged(name, total.calls, total.elements, total.apart, where))


def _elements(value: Any) -> int:
    if isinstance(value, torch.Tensor):
        return value.numel()
    return sum(map(_elements, value)) if isinstance(value, (list, tuple)) else 0  # pyright: ignore[reportUnknownArgumentType]


@contextmanager
def nothing_exchanged() -> Generator[None]:
    """While it lasts a call of a collective from Python fails: experiments of one process must not wait for the others."""
    if not distributed.is_available():
        yield
        return
    group: Any = distributed.ProcessGroup
    patches = Patches()
    for name in METHODS:
        if name in vars(group):
            patches.wrap(group, name, lambda _: _refused)
    try:
        yield
    finally:
        patches.restore()


def _refused(*_: Any, **__: Any) -> Any:
    raise RuntimeError("the step exchanges data with other processes, which are not part of an experiment")
