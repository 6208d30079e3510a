"""Several new files that appear together: all of them or none, whenever the process is killed.

They are written to a hidden folder. When all are there, that folder gets another name, which is one step for the file
system: from then on they are to be moved to their places, by whoever comes next if this process dies."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from seatrial.errors import UsageProblem
from seatrial.vault.ledger import replace, sync_folder

_PLACES = "places.json"


@contextmanager
def staged(vault: Path, places: dict[str, Path]) -> Generator[Path]:
    """A folder to write new files to, by the names in `places`; they are moved there at the end. Nothing is left of them after
    an error.

    Raises:
        UsageProblem: one of the places is taken.
    """
    finish(vault)
    for place in places.values():
        _check_free(place)
    folder = _beside(vault, "sealing")
    lock = _made(folder)
    try:
        yield folder
        written = {name: str(place.absolute()) for name, place in places.items() if (folder / name).exists()}
        replace(folder / _PLACES, json.dumps(written).encode())
        folder.rename(_beside(vault, "sealed"))
        sync_folder(vault.parent)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        os.close(lock)
    finish(vault)


def finish(vault: Path) -> None:
    """Move files to their places that a process did not get to, if there are such."""
    folder = _beside(vault, "sealed")
    if not folder.exists():
        return
    lock = _locked(folder, wait=True)
    try:
        if folder.exists():
            _move(folder)
            sync_folder(vault.parent)
    finally:
        os.close(lock)


def _move(folder: Path) -> None:
    places: dict[str, str] = json.loads((folder / _PLACES).read_bytes())
    for name, place in places.items():
        source, target = folder / name, Path(place)
        if source.exists():
            _check_free(target)
            source.rename(target)
            sync_folder(target.parent)
    shutil.rmtree(folder)


def _made(folder: Path) -> int:
    """Make the folder, locked by this process; one of a process that was killed is removed."""
    if folder.exists():
        stale = _locked(folder, wait=False)
        shutil.rmtree(folder)
        os.close(stale)
    folder.mkdir(mode=0o700, parents=True)
    return _locked(folder, wait=False)


def _locked(folder: Path, *, wait: bool) -> int:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(handle)
        raise UsageProblem(
            f"Another process is sealing there right now: {folder} is in use.", "vault-busy", "Wait until it has ended."
        ) from None
    return handle


def _beside(vault: Path, state: str) -> Path:
    return vault.with_name(f".{vault.name}.{state}")


def _check_free(place: Path) -> None:
    if place.exists() and not (place.is_dir() and not os.listdir(place)):
        raise UsageProblem(
            f"Expected a free place for {place}, found something there.",
            "vault-exists",
            "Nothing is overwritten: give another name, or move away what is there.",
        )
