"""Several new files that appear together: all of them or none, whenever the process is killed.

They are written to a hidden folder. When all are there, that folder gets another name, which is one step for the file
system: from then on they are to be moved to their places, by whoever comes next if this process dies."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from seatrial.errors import UsageProblem
from seatrial.files import replace, sync_all, sync_folder

_PLACES, _SEALING, _SEALED = "places.json", "sealing", "sealed"
# So long is waited for a folder: another process may just be removing what it takes for left behind.
_PATIENCE_SECONDS = 1.0


@contextmanager
def staged(vault: Path, places: dict[str, Path]) -> Generator[dict[str, Path]]:
    """Where to write new files, by the names in `places`; they are moved to those places at the end. Nothing is left of them
    after an error.

    Raises:
        UsageProblem: one of the places is taken, or two of them are the same.
    """
    _check_different(places)
    folder = _beside(vault, _SEALING)
    lock = _made(folder)
    try:
        finish(vault)  # of another process that has just sealed here
        for place in places.values():
            _check_free(place)
        moves = {name: _move_to(folder, name, place) for name, place in places.items()}
        replace(folder / _PLACES, json.dumps(list(moves.values())).encode())
        _remove(folder)
        writing = {name: folder / source for name, (source, _) in moves.items()}
        yield writing
        for name, path in writing.items():
            sync_all(path)
            _check_free(places[name], for_folder=path.is_dir())
        folder.rename(_beside(vault, _SEALED))
        sync_folder(vault.absolute().parent)
    except BaseException:
        _discard(folder)
        raise
    finally:
        os.close(lock)
    finish(vault)


def finish(vault: Path) -> None:
    """Move files to their places that a process did not get to; remove what another one left half written when it was killed."""
    sealed, sealing = _beside(vault, _SEALED), _beside(vault, _SEALING)
    if sealed.exists() and (lock := _locked(sealed, wait=True)) is not None:
        try:
            if sealed.exists():
                _move(sealed)
                sync_folder(vault.absolute().parent)
        finally:
            os.close(lock)
    if sealing.exists():
        with suppress(BlockingIOError):
            _clear(sealing)


def _move_to(folder: Path, name: str, place: Path) -> tuple[str, str]:
    """Where a file is written first, seen from the folder, and its place: in the folder, or beside the place if that is elsewhere.
    Whether it can be moved there shows before anything is: what lies elsewhere may be another disk, or not be writable."""
    place = place.absolute()
    place.parent.mkdir(parents=True, exist_ok=True)
    here = place.parent.samefile(folder.parent)
    return name if here else str(_beside(place, _SEALING)), str(place)


def _moves(folder: Path) -> list[tuple[str, str]]:
    """What is to be moved where: none where that is not said yet, or no more."""
    try:
        return json.loads((folder / _PLACES).read_bytes())
    except FileNotFoundError:
        return []


def _move(folder: Path) -> None:
    for name, place in _moves(folder):
        source, target = folder / name, Path(place)
        if source.exists():
            _check_free(target, for_folder=source.is_dir())
            source.rename(target)
            sync_folder(target.parent)
    shutil.rmtree(folder)


def _clear(folder: Path) -> None:
    """Remove a folder that a process left when it was killed.

    Raises:
        BlockingIOError: the process is alive.
    """
    lock = _locked(folder, wait=False)
    if lock is not None:
        _discard(folder)
        os.close(lock)


def _discard(folder: Path) -> None:
    _remove(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _remove(folder: Path) -> None:
    """Remove what is half written, in the folder and elsewhere."""
    for name, _ in _moves(folder):
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def _made(folder: Path) -> int:
    """Make the folder, locked by this process; one of a process that was killed is removed."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        with suppress(BlockingIOError):
            if folder.exists():
                _clear(folder)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = _locked(folder, wait=False)
            if lock is not None:
                if _is_at(lock, folder):
                    return lock
                os.close(lock)
        time.sleep(_PATIENCE_SECONDS / 10)
    raise UsageProblem(
        f"Another process is sealing there right now: {folder} is in use.", "vault-busy", "Wait until it has ended."
    )


def _locked(folder: Path, *, wait: bool) -> int | None:
    """A lock on a folder, or None where it is gone.

    Raises:
        BlockingIOError: another process has it, and it is not to be waited for.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BaseException:
        os.close(handle)
        raise
    return handle


def _is_at(handle: int, folder: Path) -> bool:
    """Whether a folder that was locked still is the one at its place, and nobody has taken it for left behind."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(folder))
    except FileNotFoundError:
        return False


def _beside(vault: Path, state: str) -> Path:
    return vault.parent / f".{vault.name}.{state}"


def _check_different(places: dict[str, Path]) -> None:
    if len({place.resolve() for place in places.values()}) < len(places):
        names = ", ".join(str(place) for place in places.values())
        raise UsageProblem(f"Expected places that differ, found {names}.", "vault-exists", "Give another name.")


def _check_free(place: Path, *, for_folder: bool = True) -> None:
    """An empty folder is free for a folder."""
    if os.path.lexists(place) and not (for_folder and place.is_dir() and not os.listdir(place)):
        raise UsageProblem(
            f"Expected a free place for {place}, found something there.",
            "vault-exists",
            "Nothing is overwritten: give another name, or move away what is there.",
        )
