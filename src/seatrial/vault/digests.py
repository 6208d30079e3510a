"""The digest of a sealed file, block by block: so that a change is not only found but placed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from seatrial.vault.refusal import damaged

BLOCK_BYTES = 1 << 20
# Sixteen bytes of SHA-256 a block: finding another block with the same digest takes 2^64 tries at least.
_KEPT = 16
_THREADS = 2  # hashing is as fast as the disk then
_MOST_SPANS = 3  # are told in a message


@dataclass(frozen=True, slots=True)
class Digest:
    """Size in bytes and the digest of each block (hexadecimal)."""

    size: int
    blocks: tuple[str, ...]


class Digesting:
    """Takes pieces of any size in order."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._open = hashlib.sha256()
        self._filled = self._size = 0

    def update(self, piece: bytes) -> None:
        """The next piece."""
        view = memoryview(piece)
        self._size += len(view)
        while view:
            part = view[: BLOCK_BYTES - self._filled]
            self._open.update(part)
            self._filled += len(part)
            view = view[len(part) :]
            if self._filled == BLOCK_BYTES:
                self._close()

    def digest(self) -> Digest:
        """Of all that was given."""
        if self._filled:
            self._close()
        return Digest(self._size, tuple(self._blocks))

    def _close(self) -> None:
        self._blocks.append(_kept(self._open.digest()))
        self._open, self._filled = hashlib.sha256(), 0


State = tuple[int, ...]


def state(file: BinaryIO) -> State:
    """By this it shows whether an open file was written to, or another one is in its place, since it was checked."""
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def check(file: BinaryIO, path: Path, digest: Digest, progress: Callable[[int], None] = lambda done: None) -> State:
    """Compare an open sealed file with its digest, several blocks at once.

    Returns:
        the state that was found undamaged.

    Raises:
        Damaged: the file has another size, or a block is another one; with the bytes that are concerned.
    """
    before, size = state(file), os.fstat(file.fileno()).st_size
    if size != digest.size:
        what = "cut off" if size < digest.size else "longer than it was"
        raise damaged(f"{path} has {size:,} bytes instead of {digest.size:,}: it is {what}.", "vault-size")

    def changed(number: int) -> bool:
        block = os.pread(file.fileno(), BLOCK_BYTES, number * BLOCK_BYTES)
        progress(len(block))
        return _kept(hashlib.sha256(block).digest()) != digest.blocks[number]

    with ThreadPoolExecutor(_THREADS) as pool:
        spans = _spans([number for number, bad in enumerate(pool.map(changed, range(len(digest.blocks)))) if bad], size)
    if spans:
        more = f" and {len(spans) - _MOST_SPANS} more places" if len(spans) > _MOST_SPANS else ""
        raise damaged(f"{path} was changed between bytes {', '.join(spans[:_MOST_SPANS])}{more}.", "vault-changed")
    return before


def _spans(numbers: list[int], size: int) -> list[str]:
    """Blocks in a row as spans of bytes, in words."""
    spans: list[str] = []
    for _, run in groupby(enumerate(numbers), lambda each: each[1] - each[0]):
        blocks = [number for _, number in run]
        last = min((blocks[-1] + 1) * BLOCK_BYTES, size) - 1
        spans.append(f"{blocks[0] * BLOCK_BYTES:,} and {last:,}")
    return spans


def _kept(whole: bytes) -> str:
    return whole[:_KEPT].hex()
