"""The records of processes that were launched together: one file a rank, in one folder."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from seatrial.errors import UsageProblem
from seatrial.events import Event, RankStarted, RunEnded
from seatrial.record.reader import first_of, read

_NAMED = re.compile(r"rank-(\d+)(?:\.attempt-(\d+))?\.sqlite(?:-wal|-shm|-journal)?$")


def name_of(rank: int, attempt: int = 0) -> str:
    """The name of a rank's record. `attempt`: how often a launcher has started all ranks anew."""
    return f"rank-{rank}{f'.attempt-{attempt}' if attempt else ''}.sqlite"


def is_name(name: str) -> bool:
    """Whether a file is called as a rank's record, or as what SQLite keeps beside it."""
    return _NAMED.match(name) is not None


def place_in(name: str) -> tuple[int, int]:
    """Rank and attempt that the name of a record tells."""
    found = _NAMED.match(name)
    return (int(found[1]), int(found[2] or 0)) if found is not None else (-1, -1)


def ranks_in(folder: Path) -> list[Path]:
    """The records of ranks in a folder, by attempt and rank; none where it is the folder of a run of one process."""
    found = [path for path in folder.glob("rank-*.sqlite") if is_name(path.name)] if folder.is_dir() else []
    return sorted(found, key=lambda path: place_in(path.name)[::-1])


def read_ranks(folder: Path) -> list[list[Event]]:
    """The events of each rank of the latest launch and its last attempt, in order of their ranks.

    A record that cannot be read (its process was killed before it wrote anything) is passed over.
    """
    read_so_far: list[tuple[RankStarted, float, list[Event]]] = []
    for path in ranks_in(folder):
        try:
            events = read(path)
        except UsageProblem:
            continue
        started = next((event for event in events if isinstance(event, RankStarted)), None)
        if started is not None:
            read_so_far.append((started, path.stat().st_mtime, events))
    if not read_so_far:
        return []
    latest, *_ = max(read_so_far, key=lambda each: each[1])
    launched = [(at, events) for at, _, events in read_so_far if at.launch == latest.launch]
    attempt = max(at.attempt for at, _ in launched)
    return [events for at, events in sorted(launched, key=lambda each: each[0].rank) if at.attempt == attempt]


def has_ended(path: Path) -> bool:
    """Whether a record tells of the end of its run; cheap, and without reading it whole."""
    try:
        return first_of(path, RunEnded) is not None
    except (UsageProblem, sqlite3.Error):
        return False
