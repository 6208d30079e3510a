"""The page of a finding in the terminal: what the catalogue states, and the documentation of its rule."""

from __future__ import annotations

import sys
from typing import TextIO

from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text
from rich.theme import Theme

from seatrial.catalogue import Entry
from seatrial.report.terminal import WIDEST

# Quiet: the terminal's own colours, no boxes of background colour around code.
THEME = Theme({"markdown.code": "bold", "markdown.h2": "bold", "markdown.code_block": "none"})


def show(page: str, entry: Entry, to: TextIO | None = None) -> None:
    """Print the page of a rule (its docstring; empty where no rule finds it yet), to stdout if not told otherwise."""
    console = Console(file=to or sys.stdout, highlight=False, markup=False, emoji=False, theme=THEME)
    if console.width > WIDEST:
        console.width = WIDEST
    console.print(Text(entry.name, "bold"))
    console.print(Text(entry.statement))
    if entry.practice:
        console.print(Text(f"Practice: {entry.practice}.", "dim"))
    console.print()
    text = page.partition("\n")[2] if page.strip() else "No rule finds this yet."
    console.print(Markdown(text.strip(), code_theme="ansi_dark"))
