"""The run on disk: one SQLite file, written in batches while the run goes on, readable after a kill -9."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from seatrial.errors import UsageProblem
from seatrial.events import Event
from seatrial.record.codec import decode, encode

NAME = "record.sqlite"
SCHEMA = 1
# Events are written when so many wait, or when so much time has gone by since the last writing.
MOST_WAITING = 512
SECONDS_BETWEEN = 1.0


class Recorder:
    """Appends events to a new record. Sending is an append to a list; a forked child's recorder does nothing.

    WAL with synchronous=OFF: what was committed survives the death of the process (the operating system has it), which is
    what a kill -9 is; only a crash of the machine may lose the last moments.
    """

    def __init__(self, path: Path) -> None:
        self._waiting: list[Event] = []
        self._next = 0.0
        self._process = os.getpid()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.execute("CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT)")
        self._connection.execute("INSERT INTO about VALUES ('schema', ?)", (str(SCHEMA),))
        self._connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, kind TEXT, fields TEXT)")

    def send(self, event: Event) -> None:
        """Keep an event; now and then write what is kept."""
        self._waiting.append(event)
        if len(self._waiting) >= MOST_WAITING or time.monotonic() >= self._next:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if os.getpid() != self._process:
            self._waiting.clear()
            return
        rows = [encode(event) for event in self._waiting]
        self._waiting.clear()
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO events (kind, fields) VALUES (?, ?)", rows)
        self._connection.execute("COMMIT")
        self._next = time.monotonic() + SECONDS_BETWEEN

    def close(self) -> None:
        """Write what waits and close the file (in the process that opened it)."""
        if os.getpid() == self._process:
            self.flush()
            self._connection.close()


def locate(run: Path) -> Path:
    """The record of a run: the file itself, or the one in a folder.

    Raises:
        UsageProblem: where there is none.
    """
    path = run / NAME if run.is_dir() else run
    if not path.is_file():
        raise UsageProblem(
            f"A run's folder or its {NAME} was expected, but {run} has none.",
            "no-record",
            "Give the folder that `seatrial run` named when it ended.",
        )
    return path


def read(path: Path) -> list[Event]:
    """All events of a record, in order; what a killed run had written until then is there.

    Raises:
        UsageProblem: if it is no record, or one of a newer version.
    """
    try:
        connection = sqlite3.connect(f"file:{path}?mode=rw", uri=True)
    except sqlite3.Error as error:
        raise UsageProblem(f"The record {path} cannot be opened: {error}.", "unreadable-record") from error
    try:
        schema = int(connection.execute("SELECT value FROM about WHERE key = 'schema'").fetchone()[0])
        if schema > SCHEMA:
            raise UsageProblem(
                f"The record {path} has schema {schema}; this seatrial knows {SCHEMA}.",
                "newer-record",
                "Read it with the seatrial that wrote it, or a newer one.",
            )
        rows = connection.execute("SELECT kind, fields FROM events ORDER BY id").fetchall()
    except (sqlite3.Error, TypeError, ValueError) as error:
        raise UsageProblem(f"{path} is no record of a run: {error}.", "no-record") from error
    finally:
        connection.close()
    return [event for kind, fields in rows if (event := decode(kind, fields)) is not None]
