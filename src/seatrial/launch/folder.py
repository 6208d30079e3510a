"""Where a run leaves what it found: its folder, made before the program starts."""

from __future__ import annotations

import re
import time
from pathlib import Path

from seatrial.errors import UsageProblem
from seatrial.launch.program import Program
from seatrial.record import NAME, is_record

LOG = "seatrial.log"
SENT = "trackers.json"  # which runs of trackers of experiments took it
_OURS = (NAME, f"{NAME}-wal", f"{NAME}-shm", f"{NAME}-journal", "findings.json", "report.html", LOG, SENT)


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


def prepare(folder: Path, kept: tuple[str, ...] = ()) -> Path:
    """Make the folder of a run, empty of an earlier run's files. Returns its absolute path. `kept`: files that tell that it is one of ours
    to go on in.

    Raises:
        UsageProblem: it cannot be written to, or it holds things and is not the folder of an earlier run.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = sorted(path.name for path in folder.iterdir())
        if found and not is_record(folder / NAME) and not set(kept) & set(found):
            raise UsageProblem(
                f"Expected an empty folder or one of an earlier run at {folder}, found other things in it "
                f"({', '.join(found[:3])}{', ...' if len(found) > 3 else ''}).",
                "out-not-empty",
                "Give --out another folder.",
            )
        for name in _OURS:
            (folder / name).unlink(missing_ok=True)
        probe = folder / LOG
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageProblem(
            f"Expected a folder that can be written to at {folder}, found: {error.strerror}.",
            "out-not-writable",
            "Give --out another folder.",
        ) from error
    return folder.resolve()
