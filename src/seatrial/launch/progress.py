"""One line on a terminal that says what is being done after the script; nothing where stderr is no terminal."""

from __future__ import annotations

import contextlib
import shutil
from types import TracebackType
from typing import Any


class Progress:
    """Shows what is being done, on a line that is wiped at the end. `doing`: what stands before it."""

    def __init__(self, stream: Any, wanted: bool, doing: str = "trying: ") -> None:
        self.stream = stream
        self.doing = doing
        self.shown = wanted and _is_terminal(stream)

    def tell(self, text: str) -> None:
        if self.shown:
            width = shutil.get_terminal_size().columns - 1
            with contextlib.suppress(OSError, ValueError):
                self.stream.write(f"\r\033[K{f'seatrial: {self.doing}{text}'[:width]}")
                self.stream.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.shown:
            with contextlib.suppress(OSError, ValueError):
                self.stream.write("\r\033[K")
                self.stream.flush()


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except Exception:  # closed, or no stream at all
        return False
