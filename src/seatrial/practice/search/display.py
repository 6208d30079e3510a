"""What a search says while it goes on: a line for each stage, and on a terminal a bar with the best until now and the time left."""

from __future__ import annotations

import math
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from seatrial.numbers import decimal
from seatrial.practice.search.board import Board, is_end
from seatrial.practice.search.settings import SearchSettings
from seatrial.practice.search.work import Stage, ranked
from seatrial.terminals import can_move

_EVERY = 0.5  # seconds between two looks


class Display:
    """Lines on stderr, read from the board: whoever does the work."""

    def __init__(self, board: Board, settings: SearchSettings, wanted: bool) -> None:
        self._board, self._settings = board, settings
        self._console = Console(stderr=True, quiet=not wanted, highlight=False)
        live = wanted and can_move(self._console)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[more]}", markup=False),
            console=self._console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not live,
        )
        self._line = self._progress.add_task("drawing candidates", total=None, more="")
        self._told = 0
        self._looked = -math.inf
        self._began: dict[int, tuple[float, int]] = {}

    def tell(self, sentence: str) -> None:
        """Print a line."""
        self._console.print(sentence, markup=False, soft_wrap=True)

    def look(self) -> int:
        """Tell what is new; returns how many trainings are over, and trials begun."""
        now = time.monotonic()
        if now - self._looked < _EVERY and not is_end(self._board.stages()):
            return self._done
        self._looked = now
        stages = self._board.stages()
        for stage in stages[self._told :]:
            for sentence in stage.said:
                self._console.print(f"{stage.name:6}  {sentence}", markup=False, soft_wrap=True)
        self._told = len(stages)
        self._done = 0
        for stage in stages:
            self._done += sum(each is not None for each in self._board.results(stage))
        if stages and stages[-1].jobs:
            self._tell(stages[-1], now)
        return self._done

    _done = 0

    def _tell(self, stage: Stage, now: float) -> None:
        results = self._board.results(stage)
        over = [each for each in results if each is not None]
        began, before = self._began.setdefault(stage.number, (now, len(over)))
        figures = {each.job.candidate: each.figure for each in over}
        best = ranked(figures, highest=self._settings.highest)
        more = f"best {decimal(figures[best[0]])}" if best else ""
        made = len(over) - before
        if made:
            more += f"  about {_time((now - began) / made * (len(results) - len(over)))} left"
        self._progress.update(self._line, description=stage.name, completed=len(over), total=len(results), more=more)

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min" if minutes >= 3 else f"{minutes * 60 + rest} s"
