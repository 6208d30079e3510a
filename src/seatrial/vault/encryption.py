"""Sealed bytes on disk: a file in the age format, written and read as a stream.

Three things happen at once, in threads that wait for each other: reading, the cipher, hashing and writing."""

from __future__ import annotations

import io
import os
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from seatrial.vault import age
from seatrial.vault.age import AgeIdentity
from seatrial.vault.digests import BLOCK_BYTES, Digest, Digesting
from seatrial.vault.refusal import damaged
from seatrial.vault.streams import WAITING, Batched, Pieces, threaded


def encrypt(pieces: Iterator[bytes | bytearray | memoryview], to: Path, recipient: str) -> Digest:
    """Write pieces to a new file, encrypted to an age recipient; on the disk when this returns.

    Raises:
        OSError: the disk is full, the file cannot be made.
    """
    with open(to, "xb", buffering=0) as file:
        writer = _Hashed(file)
        with writer:
            age.encrypt(Pieces(pieces), writer, recipient)
        os.fsync(file.fileno())
    return writer.digest()


def decrypted(file: BinaryIO, path: Path, identity: AgeIdentity) -> Generator[bytes]:
    """What was sealed, from an open file, in pieces, in memory alone.

    Raises:
        Damaged: the file was changed, or is sealed to somebody else.
    """

    def run(give: Callable[[bytes], None]) -> None:
        file.seek(0)
        blocks = iter(lambda: file.read(BLOCK_BYTES), b"")
        try:
            age.decrypt(Pieces(blocks), Batched(give), identity)
        except age.WrongKey as error:
            raise damaged(f"{path} cannot be decrypted: {error}.", "vault-not-yours") from error

    return threaded(run)


class _Hashed(Batched):
    """A file to write to, whose batches are hashed and written by a thread of their own."""

    def __init__(self, file: io.FileIO) -> None:
        super().__init__(self._hand_over)
        self._file = file
        self._digesting = Digesting()
        self._queue: queue.Queue[bytes | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> _Hashed:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self._queue.put(None)
            self._thread.join()
        if self.failure is not None:
            raise self.failure

    def digest(self) -> Digest:
        return self._digesting.digest()

    def _hand_over(self, batch: bytes) -> None:
        if self.failure is not None:
            raise self.failure
        self._queue.put(batch)

    def _work(self) -> None:
        while (batch := self._queue.get()) is not None:
            if self.failure is None:
                try:
                    self._digesting.update(batch)
                    _write_all(self._file, batch)
                except BaseException as error:  # it is raised where the writing was asked for
                    self.failure = error


def _write_all(file: io.FileIO, batch: bytes) -> None:
    rest = memoryview(batch)
    while rest:
        rest = rest[file.write(rest) :]
