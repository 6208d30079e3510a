"""Hears DataLoaders: what they are built over, how often they are iterated, which data the last batch came from."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Sized
from types import FrameType
from typing import Any

from torch.utils.data import DataLoader, Dataset, DistributedSampler, IterableDataset
from torch.utils.data.dataloader import _BaseDataLoaderIter

from seatrial.events import LoaderBuilt, LoaderIterated, Place, SamplerUsed
from seatrial.places import chain
from seatrial.taps.evaluation import MOST_LINES, label_of
from seatrial.taps.guarding import constructor_caller, guarded, is_torchs
from seatrial.taps.watch import Watch

# Data sets that wrap another one are followed inwards so many times.
DEEPEST = 8


def install(watch: Watch) -> None:
    """Listen."""
    tap = _LoaderTap(watch)
    watch.patches.wrap(DataLoader, "__init__", tap.make_init)
    watch.patches.wrap(DataLoader, "__iter__", tap.make_iter)
    watch.patches.wrap(_BaseDataLoaderIter, "__next__", tap.make_next)
    watch.at_finish.append(guarded(watch, "the use of the loaders", tap.last_words))


class _Use:
    """What is counted of a loader."""

    def __init__(self, loader: int, data: int) -> None:
        self.loader = loader
        self.data = data
        self.iterations = 0
        self.batches = 0
        self.training_ticks = 0
        self.where: Place | None = None
        self.labels: set[str] = set()
        self.sampler: DistributedSampler[Any] | None = None
        self.epochs: set[int] = set()  # in whose order the sampler drew
        # The tick and the number (among all batches of all loaders) of the batch that was given last.
        self.pending: tuple[int, int] | None = None


class _LoaderTap:
    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.uses: dict[int, _Use] = {}
        self.iterators: dict[int, tuple[weakref.ref[Any], _Use]] = {}
        # Those that gave a batch and are not exhausted, the latest last.
        self.open: list[_Use] = []
        self.given = 0
        self.data = _DataNumbers()
        self.note_built = guarded(watch, "the construction of a DataLoader", self._built)
        self.note_iterated = guarded(watch, "the iteration of a DataLoader", self._iterated)

    def make_init(self, original: Callable[..., None]) -> Callable[..., None]:
        def __init__(loader: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            original(loader, *args, **kwargs)
            if self.watch.on:
                self.note_built(loader, constructor_caller(sys._getframe(1), loader))

        return __init__

    def make_iter(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def __iter__(loader: Any) -> Any:  # noqa: N807
            iterator = original(loader)
            if self.watch.on:
                self.note_iterated(loader, iterator, sys._getframe(1))
            return iterator

        return __iter__

    def make_next(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def __next__(iterator: Any) -> Any:  # noqa: N807
            known = self.iterators.get(id(iterator))
            if known is None or not self.watch.on or known[0]() is not iterator:
                return original(iterator)
            use = known[1]
            self._settle(use)
            try:
                batch = original(iterator)
            except StopIteration:
                self._exhausted(use)
                raise
            self._gave(use)
            return batch

        return __next__

    # ---- listening -----------------------------------------------------------------------------------------------

    def _built(self, loader: Any, frame: FrameType | None) -> None:
        if is_torchs(frame):
            return
        watch, number = self.watch, self.watch.loaders.of(loader)
        examples, batch_size = _length(loader.dataset), _batch_size(loader)
        data = self.data.of(loader.dataset, loader)
        use = self.uses[number] = _Use(number, data)
        use.sampler = _distributed(loader)
        ordered_by = loader.sampler if loader.batch_size is not None else loader.batch_sampler or loader.sampler
        watch.send(
            LoaderBuilt(
                tick=watch.tick,
                loader=number,
                examples=examples,
                batches=_batches(loader, examples),
                batch_size=batch_size,
                sampler=type(ordered_by).__name__,
                drop_last=bool(loader.drop_last),
                workers=loader.num_workers,
                data=data,
                base=self.data.of(_base(loader.dataset), loader),
                where=watch.place(frame),
            )
        )

    def _iterated(self, loader: Any, iterator: Any, frame: FrameType) -> None:
        use = self.uses.get(self.watch.loaders.get(loader) or 0)
        if use is None or self.watch.loaders.get(loader) != use.loader:
            return
        if use.pending is not None and use.pending[1] == self.given:
            self._settle(use)
        use.pending = None
        use.iterations += 1
        use.where = use.where or self.watch.place(frame)
        if use.sampler is not None:
            use.epochs.add(use.sampler.epoch)
        use.labels.add(label_of(chain(frame, MOST_LINES)))
        if len(self.iterators) > 64:
            self.iterators = {key: known for key, known in self.iterators.items() if known[0]() is not None}
        self.iterators[id(iterator)] = (weakref.ref(iterator), use)

    def _settle(self, use: _Use) -> None:
        """The loader is asked again: was its last batch trained on?"""
        if use.pending is not None and self.watch.tick > use.pending[0]:
            use.training_ticks += 1
        use.pending = None

    def _gave(self, use: _Use) -> None:
        use.batches += 1
        self.given += 1
        use.pending = (self.watch.tick, self.given)
        self.watch.last_data = use.data
        if not self.open or self.open[-1] is not use:
            self.open = [other for other in self.open if other is not use]
            self.open.append(use)

    def _exhausted(self, use: _Use) -> None:
        self.open = [other for other in self.open if other is not use]
        self.watch.last_data = self.open[-1].data if self.open else -1

    def last_words(self) -> None:
        """The script has ended."""
        for use in self.uses.values():
            if use.pending is not None and use.pending[1] == self.given:
                self._settle(use)
            if use.iterations:
                label = next(iter(use.labels)) if len(use.labels) == 1 else ""
                counts = use.iterations, use.batches, use.training_ticks
                self.watch.send(LoaderIterated(use.loader, *counts, use.where, label))
                self._send_sampler(use)

    def _send_sampler(self, use: _Use) -> None:
        if (drawn := use.sampler) is not None:
            self.watch.send(
                SamplerUsed(
                    use.loader,
                    drawn.num_replicas,
                    drawn.rank,
                    drawn.shuffle,
                    drawn.num_samples,
                    use.iterations,
                    len(use.epochs),
                    use.where,
                )
            )


class _DataNumbers:
    """Numbers of data sets. Lists are data sets too, but take no weak references: they are known while a loader over
    them lives."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], bool, int]] = {}
        self._next = 0

    def of(self, data: Any, loader: Any) -> int:
        known = self._known.get(id(data))
        if known is not None:
            reference, itself, number = known
            alive = reference()
            if (alive is data) if itself else (alive is not None and alive.dataset is data):
                return number
        number, self._next = self._next, self._next + 1
        try:
            self._known[id(data)] = (weakref.ref(data), True, number)
        except TypeError:
            self._known[id(data)] = (weakref.ref(loader), False, number)
        return number


def _distributed(loader: Any) -> DistributedSampler[Any] | None:
    """A loader's sampler, alone or within its batch sampler, where it is torch's DistributedSampler and orders as that does."""
    for each in (loader.sampler, getattr(loader.batch_sampler, "sampler", None)):
        if isinstance(each, DistributedSampler) and type(each).__iter__ is DistributedSampler.__iter__:
            return each  # pyright: ignore[reportUnknownVariableType]
    return None


def _base(data: Any) -> Any:
    """The data set below wrappers (Subset, and the user's own that hold exactly one other data set)."""
    for _ in range(DEEPEST):
        inner = [value for value in getattr(data, "__dict__", {}).values() if isinstance(value, Dataset)]
        if len(inner) != 1 or inner[0] is data:
            break
        data = inner[0]
    return data


def _length(data: Any) -> int:
    """Number of examples, -1 where it is not known. An IterableDataset is not asked: torch remembers who asked."""
    if isinstance(data, IterableDataset) or not isinstance(data, Sized):
        return -1
    try:
        return len(data)
    except Exception:  # a length that is not implemented, in whatever way, is none
        return -1


def _batch_size(loader: Any) -> int:
    size = loader.batch_size if loader.batch_size is not None else getattr(loader.batch_sampler, "batch_size", None)
    return size if isinstance(size, int) else -1


def _batches(loader: Any, examples: int) -> int:
    """Number of batches of one iteration, -1 where it is not known."""
    if isinstance(loader.dataset, IterableDataset):
        return -1
    sampler = loader.batch_sampler if loader.batch_sampler is not None else loader.sampler
    return _length(sampler) if examples >= 0 else -1
