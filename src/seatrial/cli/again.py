"""How to go on with what Ctrl-C ended."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def again(folder: Path, *flags: str) -> str:
    """The command that was typed, with its folder and with flags that it needs to go on."""
    command, *given = sys.argv[1:]
    has_out = any(word == "--out" or word.startswith("--out=") for word in given)
    more = [flag for flag in flags if flag not in given]
    return shlex.join(["seatrial", command, *more, *([] if has_out else ["--out", str(folder)]), *given])
