"""One report for all ranks: which process makes it, and how long it waits for the others.

A launcher that is watched itself (`seatrial run -m torch.distributed.run`) makes it when all have ended. Where each rank was started
on its own, rank 0 does, or the first one of a machine that rank 0 shares no folder with; and the first rank that fails, since
launchers end the others the moment it is gone.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import time
from pathlib import Path

from seatrial.errors import UsageProblem
from seatrial.events import RankStarted
from seatrial.launch.ranks import FAILED, Rank
from seatrial.record.ranks import has_ended, name_of
from seatrial.record.reader import first_of

# A rank that has trained with the others ends with them; one that goes on alone is not waited for longer.
LONGEST_WAIT = 30.0
# Others may be about to fail as well; or they wait for the one that failed, in vain.
WAIT_AFTER_FAILURE = 1.0
# One that left no trace by now is not watched, or not on this machine.
WAIT_FOR_A_TRACE = 2.0
PAUSE = 0.1


def reports(folder: Path, rank: Rank, failed: bool) -> bool:
    """Whether this rank, which has ended, makes the report. Of those that fail only the first does."""
    if failed:
        return _first_to_fail(folder, rank)
    return rank.rank == 0 or (rank.first_here and not (folder / name_of(0, rank.attempt)).exists())


def _first_to_fail(folder: Path, rank: Rank) -> bool:
    try:
        os.close(os.open(folder / f"{FAILED}{rank.attempt}", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    except OSError:
        return rank.rank == 0
    return True


def wait(folder: Path, rank: Rank, longest: float = LONGEST_WAIT) -> None:
    """Wait until the other ranks of this folder have ended, or are gone, or for as long as is sensible. Ctrl-C ends it."""
    waited_since = time.monotonic()
    missing = [number for number in range(rank.world_size) if number != rank.rank]
    with contextlib.suppress(KeyboardInterrupt):
        while missing and (waited := time.monotonic() - waited_since) < longest:
            missing = [each for each in missing if _goes_on(folder / name_of(each, rank.attempt), rank, waited)]
            if missing:
                time.sleep(PAUSE)


def _goes_on(record: Path, own: Rank, waited: float) -> bool:
    if not record.exists():
        return waited < WAIT_FOR_A_TRACE
    if has_ended(record):
        return False
    started = _started(record)
    if started is None or started.launch != own.launch:  # not begun yet, or left over
        return waited < WAIT_FOR_A_TRACE
    return started.host != socket.gethostname() or _lives(started.process)


def _started(record: Path) -> RankStarted | None:
    try:
        found = first_of(record, RankStarted)
    except (UsageProblem, sqlite3.Error):
        return None
    return found if isinstance(found, RankStarted) else None


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True
