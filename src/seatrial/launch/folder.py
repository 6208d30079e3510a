"""Where a run leaves what it found: its folder, made before the program starts."""

from __future__ import annotations

import re
import time
from pathlib import Path

from seatrial.errors import UsageProblem
from seatrial.launch.program import Program
from seatrial.record import NAME, is_record
from seatrial.record.ranks import is_name

LOG = "seatrial.log"
SENT = "trackers.json"  # which runs of trackers of experiments took it
OURS = (NAME, f"{NAME}-wal", f"{NAME}-shm", f"{NAME}-journal", "findings.json", "report.html", LOG, SENT)


def default_folder(program: Program) -> Path:
    """seatrial-runs/<time>-<name>, below the current folder; a number is added where that is taken."""
    return folder_for(program.label)


def folder_for(label: str) -> Path:
    """As `default_folder`, for what is called so."""
    name = re.sub(r"[^\w.-]+", "-", label).strip("-")
    wanted = Path("seatrial-runs") / f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"
    folder, count = wanted, 1
    while folder.exists():
        count += 1
        folder = wanted.with_name(f"{wanted.name}-{count}")
    return folder


def taken_folder(program: Program) -> Path:
    """As `default_folder`, made at once: of several runs that begin in the same moment each has its own."""
    while True:
        folder = default_folder(program)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError:  # `prepare` says so
            return folder
        return folder


def prepare(folder: Path, kept: tuple[str, ...] = ()) -> Path:
    """Make the folder of a run, empty of an earlier run's files. Returns its absolute path. `kept`: files that tell that it is one of ours
    to go on in.

    Raises:
        UsageProblem: it cannot be written to, or it holds things and is not the folder of an earlier run.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = sorted(path.name for path in folder.iterdir())
        if found and not is_record(folder / NAME) and not set(kept) & set(found) and not any(map(is_name, found)):
            raise not_ours(folder, found)
        for name in (*OURS, *filter(is_name, found)):
            (folder / name).unlink(missing_ok=True)
        probe = folder / LOG
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise unusable(folder, error) from error
    return folder.resolve()


def not_ours(folder: Path, found: list[str]) -> UsageProblem:
    """What is said of a folder that holds other things than a run."""
    return UsageProblem(
        f"Expected an empty folder or one of an earlier run at {folder}, found other things in it "
        f"({', '.join(found[:3])}{', ...' if len(found) > 3 else ''}).",
        "out-not-empty",
        "Give --out another folder.",
    )


def unusable(folder: Path, error: OSError) -> UsageProblem:
    """What is said of a folder that cannot be written to."""
    return UsageProblem(
        f"Expected a folder that can be written to at {folder}, found: {error.strerror}.",
        "out-not-writable",
        "Give --out another folder.",
    )
