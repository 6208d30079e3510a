"""Reads a record back, whole or left behind by a program that was killed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from seatrial.errors import UsageProblem
from seatrial.events import Event, NotLookedAt
from seatrial.record.codec import KNOWN, decode
from seatrial.record.writer import APPLICATION, NAME, SCHEMA


def read(path: Path) -> list[Event]:
    """All events of a record, in the order in which they were sent. `path` is the file, or the folder of the run.

    Raises:
        UsageProblem: there is no such file, it is no record, it is damaged, empty, or of a newer seatrial.
    """
    file = locate(path)
    try:
        _check_head(file)
        rows = _rows(file)
    except sqlite3.DatabaseError as problem:
        raise UsageProblem(
            f"Expected a record of seatrial in {file}, found a file that is damaged or cut off ({problem}).",
            "record-damaged",
            "If it was copied, copy the files beside it that begin with the same name as well.",
        ) from problem
    if not rows:
        raise UsageProblem(f"The record {file} holds no events: its run ended before it began.", "record-empty")
    return [_event(file, *row) for row in rows]


def first_of(file: Path, kind: type[Event]) -> Event | None:
    """The first event of a class in a record, without reading it whole.

    Raises:
        sqlite3.Error: it is damaged, or no record.
    """
    with _opened(file) as record:
        row = record.execute(
            "SELECT kind, json FROM events WHERE kind = ? ORDER BY id LIMIT 1", (kind.__name__,)
        ).fetchone()
    record.close()
    return None if row is None else _event(file, *row)


def locate(run: Path) -> Path:
    """The record of a run: the file itself, or the one in a folder.

    Raises:
        UsageProblem: there is none.
    """
    file = run / NAME if run.is_dir() else run
    if not file.is_file():
        found = f"found no {NAME} in it" if run.is_dir() else "found nothing there"
        raise UsageProblem(
            f"Expected a run at {run}, {found}.",
            "no-such-run",
            "Give the folder that `seatrial run` wrote to, or the record in it.",
        )
    return file


def is_record(file: Path) -> bool:
    """Whether a file is a record of seatrial, of whatever schema, whole or not."""
    try:
        head = file.read_bytes()[:72] if file.is_file() else b""
    except OSError:
        return False
    if head.startswith(b"SQLite format 3\x00") and int.from_bytes(head[68:72], "big") == APPLICATION:
        return True
    # Before the first checkpoint the head is still in the log.
    log = file.with_name(file.name + "-wal")
    return not any(head[68:72]) and file.name == NAME and log.is_file()


def _check_head(file: Path) -> None:
    with _opened(file) as record:
        application = record.execute("PRAGMA application_id").fetchone()[0]
        schema = record.execute("PRAGMA user_version").fetchone()[0]
    record.close()
    if application != APPLICATION:
        raise UsageProblem(f"Expected a record of seatrial, found {file}, which is something else.", "not-a-record")
    if schema > SCHEMA:
        raise UsageProblem(
            f"Expected a record of schema {SCHEMA} or older in {file}, found schema {schema}.",
            "record-newer",
            "It was written by a newer seatrial: update this one.",
        )


def _rows(file: Path) -> list[tuple[str, str]]:
    with _opened(file) as record:
        rows = record.execute("SELECT kind, json FROM events ORDER BY id").fetchall()
    record.close()
    return rows


def _opened(file: Path) -> sqlite3.Connection:
    """A connection that only reads. Where the folder cannot be written to, a log cannot be followed, but a closed
    record needs none."""
    address = file.resolve().as_uri()
    try:
        record = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=5.0)
        record.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError:
        record = sqlite3.connect(f"{address}?immutable=1", uri=True)
    return record


def _event(file: Path, kind: str, text: str) -> Event:
    if kind not in KNOWN:
        return NotLookedAt(f"events of kind {kind}", "a newer seatrial recorded them")
    try:
        return decode(kind, text)
    except (LookupError, TypeError, ValueError, AttributeError) as problem:
        raise UsageProblem(
            f"Expected the fields of a {kind} in {file}, found others ({problem!r}).",
            "record-damaged",
            "It may have been written by another version: judge it with the one that wrote it.",
        ) from problem
