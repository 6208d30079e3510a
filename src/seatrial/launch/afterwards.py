"""What is done with a run once its report is written: `integrations` knows how, a session only when."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from seatrial.config import Config


class Afterwards(Protocol):
    """Told of the stages of a run."""

    def ready(self, config: Config) -> None:
        """The settings are known; nothing has been written or run.

        Raises:
            UsageProblem: it will not work.
        """
        ...

    def listen(self) -> None:
        """The script starts."""
        ...

    def ended(self, run: Path, started: float, stderr: Any, quiet: bool) -> None:
        """The report is written in the folder `run`. Raises nothing.

        `started`: seconds since the epoch."""
        ...
