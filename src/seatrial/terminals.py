"""What may be sent to a terminal: how wide it is, whether a stream is one, text that it obeys in nothing, a line of one's own."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

USUAL = 80  # columns where nobody tells
LEAST = 20  # columns: what is narrower is filled beyond its edge rather than letter by letter


def is_terminal(stream: Any) -> bool:
    """Whether somebody sees what is written to a stream at once, and its line can be wiped again."""
    try:
        return bool(stream.isatty()) and os.environ.get("TERM", "") not in ("dumb", "unknown")
    except Exception:  # closed, or no stream at all
        return False


def can_move(console: Console) -> bool:
    """Whether a bar can be drawn anew in its place: on a terminal, and in a notebook that has widgets (rich would warn in others)."""
    if console.is_jupyter:
        return find_spec("ipywidgets") is not None
    return console.is_terminal and not console.is_dumb_terminal


def columns(stream: Any) -> int:
    """How many columns to fill on a stream: as the variable COLUMNS says, or as its terminal has."""
    asked = os.environ.get("COLUMNS", "")
    return max(LEAST, int(asked) if asked.isdecimal() and int(asked) else _width(stream) or USUAL)


def _width(stream: Any) -> int:
    """Columns of the terminal that a stream leads to; 0 where there is none, or it does not tell."""
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (AttributeError, OSError, ValueError):
        return 0


def printable(text: str) -> str:
    """Text without what a terminal would obey: control characters become visible escapes."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def on_a_line_of_its_own(stream: Any) -> str:
    """What brings a terminal to the beginning of an empty line, whether or not its line was ended; "" where it is none.

    A program may have left the cursor behind `print(..., end="")`, and nobody can ask the terminal. As many blanks as it has columns
    end on the same line only where they begin at its edge (zsh keeps its prompt apart from output in this way)."""
    if not is_terminal(stream):
        return ""
    width = _width(stream)
    return f"{' ' * width}\r\033[K" if width else "\n"
