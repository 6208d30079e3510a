"""Bytes that flow between threads: pieces as a file to read from, batches from a file to write to."""

from __future__ import annotations

import io
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import Any

BATCH_BYTES = 1 << 20
# So many pieces wait between two threads.
WAITING = 4


class Pieces(io.RawIOBase):
    """Pieces as a file to read from: it gives as many bytes as are asked for, until the end.

    `failure`: what went wrong where the pieces come from; a reader that is not Python's own may tell it as something else.
    """

    def __init__(self, pieces: Iterator[bytes | bytearray | memoryview]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")
        self.failure: BaseException | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """So many bytes, or all that there are."""
        try:
            return self._read(size)
        except BaseException as error:
            self.failure = error
            raise

    def readinto(self, buffer: Any) -> int:
        """Bytes into a buffer: what is left of a piece at most."""
        try:
            if not self._rest and not self._next():
                return 0
        except BaseException as error:
            self.failure = error
            raise
        view = memoryview(buffer).cast("B")
        part = self._rest[: len(view)]
        view[: len(part)] = part
        self._rest = self._rest[len(part) :]
        return len(part)

    def _read(self, size: int) -> bytes:
        if 0 <= size <= len(self._rest):
            part, self._rest = self._rest[:size], self._rest[size:]
            return bytes(part)
        parts: list[bytes] = []
        while size and (self._rest or self._next()):
            part = self._rest if size < 0 else self._rest[:size]
            parts.append(bytes(part))
            self._rest = self._rest[len(part) :]
            size -= len(part) if size > 0 else 0
        return b"".join(parts)

    def _next(self) -> bool:
        """The next piece that is not empty, if there is one."""
        for piece in self._pieces:
            self._rest = memoryview(piece).cast("B")
            if self._rest:
                return True
        return False


class Batched:
    """A file to write to that hands on batches. `failure`: what went wrong where they go."""

    def __init__(self, give: Callable[[bytes], None]) -> None:
        self._give = give
        self.failure: BaseException | None = None
        self._parts: list[bytes] = []
        self._held = 0

    def write(self, piece: bytes) -> int:
        """Take a piece."""
        try:
            self._parts.append(piece)
            self._held += len(piece)
            if self._held >= BATCH_BYTES:
                self.flush()
        except BaseException as error:
            self.failure = error
            raise
        return len(piece)

    def flush(self) -> None:
        """Hand on what is held."""
        if self._parts:
            batch = b"".join(self._parts)
            self._parts, self._held = [], 0
            try:
                self._give(batch)
            except BaseException as error:
                self.failure = error
                raise


class Abandoned(Exception):
    """Nobody reads on."""


def threaded(produce: Callable[[Callable[[bytes], None]], None]) -> Generator[bytes]:
    """What a function sends, while it runs in a thread of its own. Its exception is raised here. The thread has ended when
    the last piece was read, or when this is closed."""
    waiting: queue.Queue[bytes | BaseException | None] = queue.Queue(WAITING)
    abandoned = threading.Event()

    def send(piece: bytes | BaseException | None) -> None:
        while not abandoned.is_set():
            try:
                return waiting.put(piece, timeout=0.2)
            except queue.Full:
                continue
        raise Abandoned

    def work() -> None:
        try:
            produce(send)
            end: BaseException | None = None
        except BaseException as error:  # it is raised where the pieces are read
            end = error
        with suppress(Abandoned):
            send(end)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while (piece := waiting.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece
    finally:
        abandoned.set()
        with suppress(queue.Empty):  # so that it need not wait until a place is free
            waiting.get_nowait()
        thread.join()
