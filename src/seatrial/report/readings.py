"""What the curves of a task's training say (see practice/reading.py), told in a file beside its record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = "training.json"


def told(folder: Path) -> tuple[str, ...]:
    """A paragraph for each reading; empty where nothing was read, or the file cannot be."""
    try:
        found: Any = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return tuple(f"{each['text']} {each['advice']}".rstrip() for each in found["readings"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()
