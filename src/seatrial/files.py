"""Files that appear as a whole or not at all, and stay so though the power fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write a file anew, as a whole or not at all. One process at a time."""
    replace_by(path, lambda partial: partial.write_bytes(content))


def replace_by(path: Path, write: Callable[[Path], object]) -> None:
    """The same where something else writes the file, to the path that it is given."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        write(partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """What was made or renamed in a folder stays so though the power fails."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_all(path: Path) -> None:
    """A file, or all that a folder holds, is on the disk."""
    if path.is_dir():
        os.sync()  # thousands of files, one by one, would take much longer
    else:
        sync_folder(path)
