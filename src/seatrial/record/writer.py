"""Writes the events of a run to a SQLite file, in batches, from within the program that is watched.

Whatever was flushed is readable after a kill -9: a commit hands its pages to the kernel, which outlives the process.
Hence `synchronous=OFF`: it costs durability only where the machine itself fails, and spares the program the waits for a
disk. The journal is a write-ahead log, so that a report can be read while the program still runs.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from pathlib import Path

from seatrial.events import Event, NotLookedAt
from seatrial.record.codec import encode

NAME = "record.sqlite"
SCHEMA = 2  # counts up when an old reader would misread a new record
APPLICATION = 0x53545249  # "STRI": tells our records from other SQLite files

FIRST = 16  # events flushed one by one: a program that dies early leaves what it was
MOST = 512  # events in the buffer: bounds memory where nothing else does
INTERVAL = 0.5  # seconds: what a kill -9 costs at most, while events keep coming


class Recorder:
    """An open record. `send` is cheap.

    `seconds` is the time spent in writing, `failed` why writing has stopped ("" where it has not).
    A forked child has the object but not the file: there `send`, `flush` and `close` do nothing.
    Events may be sent from several threads; no thread is started here.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds = 0.0
        self.failed = ""
        self._buffer: list[Event] = []
        self._sent = 0
        self._due = 0.0
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = _create(path)
        os.register_at_fork(after_in_child=self._let_go)

    def send(self, event: Event) -> None:
        """Keep an event; write what is kept if there is much of it, or if the last time was long ago."""
        buffer = self._buffer
        buffer.append(event)
        if len(buffer) >= MOST or time.monotonic() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Write all that was sent. What cannot be written (a full disk) ends the record, never the program."""
        if self._file is None:
            self._buffer.clear()
            return
        start = time.perf_counter()
        with self._lock:
            count = len(self._buffer)
            batch = self._buffer[:count]
            del self._buffer[:count]
            if batch and self._file is not None:  # pyright: ignore[reportUnnecessaryComparison]  # other threads
                self._write(self._file, batch)
            self._sent += count
            self._due = time.monotonic() + INTERVAL if self._sent >= FIRST else 0.0
        self.seconds += time.perf_counter() - start

    def _write(self, file: sqlite3.Connection, batch: list[Event]) -> None:
        try:
            with file:
                file.executemany("INSERT INTO events (kind, json) VALUES (?, ?)", map(_row, batch))
        except sqlite3.Error as problem:
            self.failed = f"{type(problem).__name__}: {problem}"
            self._file = None
            _quietly_close(file)

    def close(self) -> None:
        """Write what is left and make the record one plain file, readable from a folder that is read-only."""
        self.flush()
        with self._lock:
            file, self._file = self._file, None
        if file is not None:
            try:
                file.execute("PRAGMA journal_mode=DELETE")
            except sqlite3.Error as problem:  # somebody reads it just now: then the log stays beside it
                if "locked" not in str(problem):
                    self.failed = f"{type(problem).__name__}: {problem}"
            _quietly_close(file)

    def _let_go(self) -> None:
        """In a forked child: the file is the parent's.

        The connection must not even be closed, which would end the parent's log; so it is kept for ever."""
        self._buffer = []
        self._lock = threading.Lock()
        self._due = float("inf")
        file, self._file = self._file, None
        if file is not None:
            import ctypes

            ctypes.pythonapi.Py_IncRef(ctypes.py_object(file))


def _create(path: Path) -> sqlite3.Connection:
    # Autocommit off only inside `with file`; threads of the script may send, one at a time under our lock.
    file = sqlite3.connect(path, timeout=1.0, isolation_level="DEFERRED", check_same_thread=False)
    try:
        file.execute("PRAGMA synchronous=OFF")
        try:
            file.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:  # file systems without shared memory
            file.execute("PRAGMA journal_mode=DELETE")
        file.executescript(
            f"""
            BEGIN;
            PRAGMA application_id={APPLICATION};
            PRAGMA user_version={SCHEMA};
            CREATE TABLE events (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, json TEXT NOT NULL);
            COMMIT;
            """
        )
    except sqlite3.Error:
        file.close()
        raise
    return file


def _row(event: Event) -> tuple[str, str]:
    try:
        return encode(event)
    except (TypeError, ValueError, AttributeError) as problem:
        return encode(NotLookedAt(f"an event of kind {type(event).__name__}", f"it cannot be recorded: {problem}"))


def _quietly_close(file: sqlite3.Connection) -> None:
    with contextlib.suppress(sqlite3.Error):
        file.close()
