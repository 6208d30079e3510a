"""What is going on, on a terminal or in a notebook, while a task is on trial; wiped at the end."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from seatrial.terminals import can_move


class Display:
    """A line with a spinner, what is done, a bar while steps are counted, and the time."""

    def __init__(self, wanted: bool) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,  # what the task prints goes where it always goes
            redirect_stderr=False,
            disable=not (wanted and can_move(console)),
        )
        self._line = self._progress.add_task("making the model", total=None)

    def step(self, done: int, of: int) -> None:
        """So many steps of training are done."""
        self._progress.update(
            self._line, description=f"training: step {done} of at most {of}", completed=done, total=of
        )

    def tell(self, text: str) -> None:
        """A trial is being made."""
        self._progress.update(self._line, description=f"trying: {text}", completed=0, total=None)

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
