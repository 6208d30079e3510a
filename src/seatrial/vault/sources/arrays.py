"""Several arrays with one row an example, in one file: what .npz and .safetensors have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from seatrial.vault.sources.checks import Unchanging, checked, refused, target_among, unknown
from seatrial.vault.sources.digests import digests, features, pictures
from seatrial.vault.sources.rows import Layout, Rows, gather, picked, viewed
from seatrial.vault.sources.source import SHARD_BYTES, Block, Content, Form, Mask, Part, Source

Readers = Mapping[str, Rows]
# The numbers of rows in order, so many at a time as it is asked for.
Numbers = Callable[[int], Iterator[NDArray[np.int64]]]
_BLOCK_BYTES = 1 << 20
_PIECE_BYTES = 1 << 20
# What a file needs besides the rows.
_HEADERS = 64 << 10


class ArraysSource(Source):
    """Arrays whose first axis counts the examples. Arrays without axes belong to every part.

    Raises:
        UsageProblem: there are no arrays with examples, they disagree about how many there are, or none is called `target`.
    """

    def __init__(self, path: Path, kind: str, layouts: list[Layout], target: str | None) -> None:
        self._file = Unchanging(path)
        self._with_rows = [layout for layout in layouts if layout.shape]
        self._count = _examples(path, self._with_rows)
        self._row_bytes = sum(layout.row_bytes for layout in self._with_rows)
        self.suffix = f".{kind}"
        names = tuple(layout.name for layout in layouts)
        target = target_among([layout.name for layout in self._with_rows], target, "array")
        self.form = Form(kind, target, names, {"constants": [layout.name for layout in layouts if not layout.shape]})

    @abstractmethod
    def _readers(self) -> AbstractContextManager[Readers]:
        """For each array with rows what reads them; each is read from the first to the last row."""

    @abstractmethod
    def _values(self, layout: Layout, rows: NDArray[np.uint8]) -> NDArray[Any]:
        """(rows, bytes a row) as the array that they are."""

    @abstractmethod
    def _packed(self, numbers: NDArray[np.int64], readers: Readers) -> Content:
        """A file with the rows of these numbers."""

    @abstractmethod
    def _stream(self, file: IO[bytes], rows: int, numbers: Numbers, readers: Readers) -> None:
        """Write a file with the rows of these numbers, as many as `rows`."""

    def __len__(self) -> int:
        return self._count

    def column(self, name: str) -> NDArray[Any]:
        layout = next((layout for layout in self._with_rows if layout.name == name), None)
        if layout is None:
            raise unknown(name, [layout.name for layout in self._with_rows], "array")
        if any(side != 1 for side in layout.shape[1:]):
            found = f"the array {name} of shape {layout.shape}"
            raise refused("one value an example", found, "no-column", "Name an array of shape (examples,).")
        rows = np.empty((self._count, layout.row_bytes), np.uint8)
        with self._readers() as readers:
            readers[name].read(0, rows)
        return self._values(layout, rows).reshape(-1)

    def blocks(self) -> Iterator[Block]:
        seen = [layout for layout in self._with_rows if layout.name in self.compared]
        size = max(1, _BLOCK_BYTES // max(1, sum(layout.row_bytes for layout in seen)))
        with self._readers() as readers:
            for first in range(0, self._count, size):
                count = min(size, self._count - first)
                raw = [np.empty((count, layout.row_bytes), np.uint8) for layout in seen]
                for layout, rows in zip(seen, raw, strict=True):
                    readers[layout.name].read(first, rows)
                named = digests(np.concatenate([np.empty((count, 0), np.uint8), *raw], axis=1))
                arrays = [self._values(layout, rows) for layout, rows in zip(seen, raw, strict=True)]
                images = (image for image in map(pictures, arrays) if image is not None)
                yield Block(named, features(arrays), next(images, None))
        self._file.check()

    def shards(self, chosen: Mask) -> Iterator[tuple[str, Content]]:
        batches = picked(checked(chosen, self._count), (SHARD_BYTES - _HEADERS) // max(1, self._row_bytes))
        with self._readers() as readers:
            for number, numbers in enumerate(batches):
                yield f"{number:06}{self.suffix}", self._packed(numbers, readers)
        self._file.check()

    def write(self, chosen: Mask, to: Path) -> None:
        rows = int(np.count_nonzero(checked(chosen, self._count)))
        with self._readers() as readers, open(to, "xb") as file:
            self._stream(file, rows, lambda most: picked(chosen, most), readers)
        self._file.check()


def pieces(layout: Layout, numbers: Numbers, readers: Readers) -> Iterator[memoryview]:
    """The bytes of the rows of these numbers of one array, some at a time; each piece is to be used before the next is asked for."""
    most = max(1, _PIECE_BYTES // max(1, layout.row_bytes))
    buffer = np.empty((most, layout.row_bytes), np.uint8)
    for some in numbers(most):
        rows = buffer[: len(some)]
        gather(readers[layout.name], some, rows)
        yield viewed(rows)


def part(form: Form, arrays: dict[str, NDArray[Any]]) -> Part:
    """The arrays of one file of a sealed part."""
    inputs = {name: arrays[name] for name in form.fields}
    examples = next(len(array) for name, array in inputs.items() if name not in form.settings["constants"])
    targets = inputs.pop(form.target) if form.target is not None else None
    return Part(inputs, targets, examples)


def _examples(path: Path, layouts: list[Layout]) -> int:
    """How many examples all arrays agree that there are."""
    lengths = {layout.shape[0] for layout in layouts}
    shapes = ", ".join(f"{layout.name} {layout.shape}" for layout in layouts[:8])
    if len(lengths) > 1:
        hint = "Leave arrays that hold no examples out of the file (arrays without axes may stay)."
        raise refused("arrays with one row an example, the same number in each", shapes, "other-lengths", hint)
    if not lengths or not all(lengths):
        raise refused(
            f"{path} to hold examples", shapes or "no array with rows", "empty-data", "Give arrays with examples."
        )
    return lengths.pop()
