"""Rows of an array that lies in a file: chosen ones are copied to their place, without the array in memory."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from seatrial.vault.sources.source import Mask

Bytes = NDArray[np.uint8]
# Runs of rows that are shorter on average are picked out of whole windows: a read of its own costs more than a copy.
_SHORT = 64 << 10
_WINDOW = 1 << 20
_MOST_PICKED = 1 << 20


@dataclass(frozen=True, slots=True)
class Layout:
    """An array with rows: its name, its type in the words of its format, its shape, and how many bytes a row has."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    row_bytes: int


class Rows(ABC):
    """Reads rows of one array, from the first to the last."""

    @abstractmethod
    def read(self, first: int, into: Bytes) -> None:
        """Fill `into`, (rows, bytes a row), with the rows from `first` on.

        Raises:
            EOFError: the file ends before.
        """


class ContiguousRows(Rows):
    """Rows that lie one behind the other from `start` on in a file that can be sought forward."""

    def __init__(self, file: IO[bytes], start: int) -> None:
        self._file = file
        self._start = start

    def read(self, first: int, into: Bytes) -> None:
        if into.size:
            self._file.seek(self._start + first * into.shape[1])
            fill(self._file, into)


class TransposedRows(Rows):
    """Rows of an array in Fortran order: each of their items lies with those of the other rows."""

    def __init__(self, file: IO[bytes], start: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._file = file
        self._start = start
        self._shape = shape
        self._dtype = dtype

    def read(self, first: int, into: Bytes) -> None:
        count, size = len(into), self._dtype.itemsize
        items = np.empty((math.prod(self._shape[1:]), count), self._dtype)
        for at, item in enumerate(items if items.size else ()):
            self._file.seek(self._start + (at * self._shape[0] + first) * size)
            fill(self._file, item.view(np.uint8))
        rows = items.reshape(-1).reshape((count, *self._shape[1:]), order="F")
        into[:] = np.ascontiguousarray(rows).reshape(count, -1).view(np.uint8)


def viewed(array: NDArray[Any]) -> memoryview:
    """The bytes of a contiguous array, not copied."""
    return memoryview(cast("Any", array.reshape(-1).view(np.uint8)))


def fill(file: IO[bytes], into: NDArray[Any]) -> None:
    """Read as many bytes as the array holds.

    Raises:
        EOFError: there are fewer.
    """
    view, done = viewed(into), 0
    while done < len(view):
        read = cast("Any", file).readinto(view[done:])
        if not read:
            raise EOFError("the file ends too early")
        done += read


def picked(chosen: Mask, most: int) -> Iterator[NDArray[np.int64]]:
    """The numbers of the chosen rows in order, `most` at a time (and never so many that they need much memory)."""
    most = max(1, min(most, _MOST_PICKED))
    waiting = np.empty(0, np.int64)
    for start in range(0, len(chosen), _MOST_PICKED):
        waiting = np.concatenate([waiting, np.flatnonzero(chosen[start : start + _MOST_PICKED]) + start])
        at = 0
        while len(waiting) - at >= most:
            yield waiting[at : at + most]
            at += most
        waiting = waiting[at:]
    if len(waiting):
        yield waiting


def batched(numbers: NDArray[np.int64], most: int) -> Iterator[NDArray[np.int64]]:
    """These numbers, `most` at a time."""
    for start in range(0, len(numbers), most):
        yield numbers[start : start + most]


def gather(rows: Rows, numbers: NDArray[np.int64], into: Bytes) -> None:
    """Copy the rows of these ascending numbers to `into`, (rows, bytes a row)."""
    if not into.size:
        return
    ends = np.append(np.flatnonzero(np.diff(numbers) != 1) + 1, len(numbers))
    if into.size >= _SHORT * len(ends):
        start = 0
        for end in ends.tolist():
            rows.read(int(numbers[start]), into[start:end])
            start = end
        return
    size = max(1, _WINDOW // into.shape[1])
    window = np.empty((size, into.shape[1]), np.uint8)
    start = 0
    while start < len(numbers):
        first = int(numbers[start])
        end = int(np.searchsorted(numbers, first + size))
        needed = int(numbers[end - 1]) - first + 1
        rows.read(first, window[:needed])
        # The mode spares a copy: the numbers are known to be right.
        np.take(window, numbers[start:end] - first, axis=0, out=into[start:end], mode="clip")
        start = end
