"""Files that appear as a whole or not at all, and stay so though the power fails."""

from __future__ import annotations

import os
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write a file anew, as a whole or not at all. One process at a time."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
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
