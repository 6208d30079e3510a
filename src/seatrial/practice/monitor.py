"""`Monitor`: a training loop watched from within the program that it is part of."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from seatrial.events import Event
from seatrial.findings import Finding
from seatrial.launch.folder import folder_for, prepare
from seatrial.launch.settings import settings
from seatrial.places import user_frame
from seatrial.practice.monitoring.current import Current, Latest
from seatrial.practice.outcome import Check
from seatrial.practice.recording import watched
from seatrial.practice.unchanged import unchanged
from seatrial.record import NAME, Recorder, read
from seatrial.report import show, write
from seatrial.taps import Watch, apart, listening
from seatrial.verdict import Verdict, judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OTHER_RANKS = ("RANK", "SLURM_PROCID", "LOCAL_RANK")


class Monitor:
    """Watches what is trained between its start and its end, and leaves a report.

        with seatrial.Monitor("runs/a") as monitor:
            for batch in loader:
                ...

    Nothing of the training is changed, and torch is afterwards what it was before. Best around all of the program, models and
    optimizers included: of what was made before, the lines are not known.

    Where the program is watched already (`seatrial run`, another Monitor), nothing is recorded twice: `latest` and `plot`
    tell what the watch there hears, and the report is its. Of several processes the first one alone records.

    `folder`: where record and report are; `verdict`: all that was judged at the end (both None where the watch is another's).
    """

    def __init__(
        self,
        out: str | os.PathLike[str] | None = None,
        *,
        tensorboard: bool = False,
        quiet: bool = False,
        name: str = "",
    ) -> None:
        """
        Args:
            out: folder for the record and the report; `seatrial-runs/<time>-<name>` unless given.
            tensorboard: also write scalars and pictures for TensorBoard there (needs the package tensorboard).
            quiet: whether to print nothing at the end.
            name: what the report calls the training; unless given it is the script's.
        """
        self._out = Path(out) if out is not None else None
        self._tensorboard = tensorboard
        self._quiet = quiet
        self._name = name
        self.folder: Path | None = None
        self.verdict: Verdict | None = None
        self._current = Current()
        self._listeners: list[Callable[[Event], None]] = [self._current.hear]
        self._watch: Watch | None = None
        self._open: contextlib.ExitStack | None = None

    # ---- start and end -------------------------------------------------------------------------------------------

    def start(self) -> Monitor:
        """Begin to watch. `stop` must follow: `with` sees to it.

        Raises:
            UsageProblem: the folder cannot be used, or tensorboard is not installed.
        """
        if self._open is not None or not _is_first():
            return self
        stack = contextlib.ExitStack()
        outer = listening()
        with stack, unchanged():
            if outer is not None:
                self._look_on(outer, stack)
            else:
                self._listen(stack)
            self._open = stack.pop_all()
        return self

    def _look_on(self, outer: Watch, stack: contextlib.ExitStack) -> None:
        if self._tensorboard and self._out is not None:
            self._write_board(self._out, stack)
        self._watch = outer
        for event in outer.introductions:
            self._hear(event)
        outer.onlookers.append(self._hear)
        stack.callback(outer.onlookers.remove, self._hear)

    def _listen(self, stack: contextlib.ExitStack) -> None:
        frame = user_frame(sys._getframe(2))
        file = frame.f_code.co_filename if frame is not None else ""
        self._config = settings(file, _text(file))
        self.folder = prepare(self._out or folder_for(self._name or (Path(file).stem if _text(file) else "monitor")))
        if self._tensorboard:
            self._write_board(self.folder, stack)
        recorder = stack.enter_context(contextlib.closing(Recorder(self.folder / NAME)))
        shown = self._name or (os.path.relpath(file) if _text(file) else "a training loop")
        self._watch = stack.enter_context(
            watched(recorder, shown, heard=self._passed_on, within=True, looks=self._config.budget.looks)
        )

    def _write_board(self, folder: Path, stack: contextlib.ExitStack) -> None:
        from seatrial.practice.monitoring.board import Board

        board = stack.enter_context(contextlib.closing(apart(lambda: Board(folder))))
        self._listeners.append(board.hear)

    def stop(self, error: BaseException | None = None) -> None:
        """End the watch and report; what was changed in torch is taken back. Does nothing a second time.

        Args:
            error: what ended the training before its time.
        """
        stack, self._open = self._open, None
        if stack is None:
            return
        self._watch = None
        try:
            with unchanged():
                _close(stack, error)
                if self.folder is not None:
                    self._report(self.folder)
        except Exception as own:  # of ours: the program goes on
            print(f"seatrial: no report could be made ({type(own).__name__}: {own})", file=sys.stderr)

    def _report(self, folder: Path) -> None:
        self.verdict = judge(read(folder / NAME), self._config)
        write(self.verdict, folder)
        if not self._quiet:
            show(self.verdict, folder)

    def __enter__(self) -> Monitor:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop(error)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, once it has ended: () where the watch is another's, whose report it is in."""
        return self.verdict.findings if self.verdict is not None else ()

    @property
    def outcome(self) -> Check | None:
        """What came of it, once it has ended, as of `seatrial.check`: printed it is the report, in a notebook its page. None where
        the watch is another's."""
        if self.verdict is None or self.folder is None:
            return None
        return Check(self.verdict, self.folder, self._config)

    # ---- what is heard -------------------------------------------------------------------------------------------

    def _passed_on(self, event: Event) -> Event:
        self._hear(event)
        return event

    def _hear(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)

    @property
    def latest(self) -> Latest:
        """The figures as they stand: made when they are asked for, at no cost otherwise."""
        watch = self._watch
        return self._current.latest(watch.pending() if watch is not None else [])

    def plot(self, what: str | None = None) -> Figure:
        """The figures over time, as a matplotlib figure that a notebook shows.

        Args:
            what: one of them: loss, rate, gradient, updates, layers, dead, saturated, signal or filters.

        Raises:
            UsageProblem: there is no such figure yet.
        """
        watch = self._watch
        pending = watch.pending() if watch is not None else []
        with unchanged():
            return apart(lambda: _drawn(self._current, pending, what))


def _drawn(current: Current, pending: list[Event], what: str | None) -> Any:
    from seatrial.report.plots import plot

    return plot(current.run(pending), what)


def _close(stack: contextlib.ExitStack, error: BaseException | None) -> None:
    """End what is open, telling it of what ended the training; that is raised again by whoever has to."""
    try:
        stack.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
    except BaseException as raised:
        if raised is not error:
            raise


def _is_first() -> bool:
    """Whether this process is the first of those that train together."""
    named = next((os.environ[name] for name in _OTHER_RANKS if os.environ.get(name, "").isdigit()), "0")
    return int(named) == 0


def _text(file: str) -> str:
    """The text of a file, "" where there is none on disk, as in a notebook."""
    path = Path(file)
    return path.read_text(encoding="utf-8", errors="replace") if file and path.is_file() else ""
