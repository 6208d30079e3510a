"""One line on a terminal that says what is being done after the script; nothing where stderr is no terminal."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Any

from seatrial.terminals import columns, is_terminal, on_a_line_of_its_own, printable

WIPED = "\r\033[K"


class Progress:
    """Shows what is being done, on a line that is wiped at the end. What the program has left on its line stays there.

    `doing`: what stands before it."""

    def __init__(self, stream: Any, wanted: bool, doing: str = "trying: ") -> None:
        self.stream = stream
        self.doing = doing
        self.shown = wanted and is_terminal(stream)
        self._begun = False

    def tell(self, text: str) -> None:
        if not self.shown:
            return
        from rich.cells import set_cell_size

        told = printable(f"seatrial: {self.doing}{text}").replace("\n", " ")
        begin = WIPED if self._begun else on_a_line_of_its_own(self.stream)
        self._begun = True
        self._write(begin + set_cell_size(told, columns(self.stream) - 1).rstrip())

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(text)
            self.stream.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._begun:
            self._write(WIPED)
