"""A run from its start to its report: folder, record, the program itself, verdict."""

from __future__ import annotations

import atexit
import os
import platform
import re
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import seatrial
from seatrial.config import Config, check_source, load
from seatrial.errors import UsageProblem
from seatrial.events import NotLookedAt, RunEnded, RunStarted, SourceSeen
from seatrial.launch import ending
from seatrial.launch.ending import Ending
from seatrial.launch.hook import AfterImport
from seatrial.launch.program import Program, check, execute, ready
from seatrial.record import NAME, Recorder

if TYPE_CHECKING:
    from seatrial.taps import Watch

_OURS = frozenset({NAME, f"{NAME}-wal", f"{NAME}-shm", "findings.json", "report.html"})


class Session:
    """One run. `events` is what was sent so far: the verdict is made from what is on disk, as `seatrial report` does."""

    def __init__(self, program: Program, out: Path | None, strict: bool = False, quiet: bool = False) -> None:
        text = check(program)
        self.config: Config = load(Path(program.name).resolve().parent if not program.is_module else Path.cwd())
        if text:
            check_source(text, program.name)
        self.program = program
        self.strict = strict
        self.quiet = quiet
        self.folder = prepare(out or default_folder(program)).resolve()
        self.recorder = Recorder(self.folder / NAME)
        self.watch: Watch | None = None
        self.trouble = ""
        self._started = time.time()
        self._ended = False
        self._process = os.getpid()
        self._text = text

    def run(self) -> int:
        """Run the program and report. Returns the exit status to end with."""
        self._start()
        hook = AfterImport("torch", self._torch_is_here)
        real_exit = os._exit
        os._exit = self._exit_at_once(real_exit)  # type: ignore[assignment]
        ready(self.program)
        hook.watch()
        error: BaseException | None = None
        try:
            execute(self.program)
        except UsageProblem:
            raise
        except BaseException as raised:
            error = raised
        seconds = time.time() - self._started
        outcome = ending.of(error)
        _wait_for_threads()
        atexit._run_exitfuncs()
        hook.forget()
        os._exit = real_exit  # type: ignore[assignment]
        status = self.end(outcome, seconds)
        if outcome.status == "interrupted":
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        return status

    def _start(self) -> None:
        self.recorder.send(
            RunStarted(
                self.program.name,
                self.program.args,
                self._started,
                seatrial.__version__,
                platform.python_version(),
                os.getcwd(),
            )
        )
        if self._text:
            self.recorder.send(SourceSeen(os.path.abspath(self.program.name), self._text))
        self.recorder.flush()

    def _torch_is_here(self) -> None:
        """torch was just imported: begin to listen. Never lets our own failure reach the program."""
        try:
            from seatrial.taps import install

            self.watch = install(self.recorder.send)
        except Exception as error:
            self.trouble = f"seatrial could not listen: {type(error).__name__}: {error}"
            self.recorder.send(NotLookedAt("the whole run", self.trouble))

    def _exit_at_once(self, real_exit: Any) -> Any:
        def _exit(status: int) -> None:
            if os.getpid() == self._process and not self._ended:
                self.end(Ending("exited", status), time.time() - self._started)
            real_exit(status)

        return _exit

    # ---- the end -------------------------------------------------------------------------------------------------

    def end(self, outcome: Ending, seconds: float) -> int:
        """Close the record, judge it, report. A failure of ours is told in a line and changes nothing else."""
        self._ended = True
        sys.stdout.flush()
        try:
            self._close(outcome, seconds)
            return self._report(outcome)
        except Exception as error:
            if os.environ.get("SEATRIAL_DEBUG"):
                raise
            print(
                f"seatrial: no report could be made ({type(error).__name__}: {error}). The record is {self.folder / NAME}; "
                f"`seatrial report {self.folder}` tries again.",
                file=sys.stderr,
            )
            return outcome.code

    def _close(self, outcome: Ending, seconds: float) -> None:
        watch = self.watch
        if watch is not None:
            try:
                watch.finish()
                self._experiment(watch)
            except Exception as error:
                self.recorder.send(NotLookedAt("the end of the run", f"{type(error).__name__}: {error}"))
        self.recorder.send(
            RunEnded(
                status=outcome.status,
                exit_code=outcome.code,
                exception=outcome.exception,
                where=outcome.where,
                ticks=watch.tick if watch else 0,
                optimizer_steps=watch.optimizer_steps if watch else 0,
                seconds=seconds,
                watching_seconds=watch.seconds if watch else 0.0,
            )
        )
        self.recorder.close()

    def _experiment(self, watch: Watch) -> None:
        """Trials on the recorded steps, with the random state put back: atexit handlers may still draw."""
        from seatrial.trials import probes

        for event in probes(list(watch.steps.values())):
            self.recorder.send(event)

    def _report(self, outcome: Ending) -> int:
        from seatrial.launch.reporting import nothing_to_judge, report

        verdict = report(self.folder, self.config, show=not self.quiet)
        if outcome.code == 0:
            missing = nothing_to_judge(self.watch)
            if missing:
                print(f"seatrial: {missing}", file=sys.stderr)
                return 2
            if self.strict and verdict.errors:
                return 1
        return outcome.code


def default_folder(program: Program) -> Path:
    """seatrial-runs/<time>-<name>, below the current folder."""
    name = re.sub(r"[^\w.-]+", "-", program.label)
    return Path("seatrial-runs") / f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"


def prepare(folder: Path) -> Path:
    """Make the folder of a run. One of an earlier run of ours is used again; any other that is not empty is refused.

    Raises:
        UsageProblem: if it cannot be written, or holds what is not ours.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strange = sorted(path.name for path in folder.iterdir() if path.name not in _OURS)
        if strange and (folder / NAME).exists() is False and len(list(folder.iterdir())) > 0:
            raise UsageProblem(
                f"--out {folder} holds other things ({', '.join(strange[:3])}).",
                "out-not-empty",
                "Give an empty or a new folder.",
            )
        for name in _OURS:
            (folder / name).unlink(missing_ok=True)
        probe = folder / ".seatrial-can-write"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageProblem(
            f"--out {folder} cannot be written: {error.strerror}.", "out-not-writable", "Give another folder."
        ) from error
    return folder


def _wait_for_threads() -> None:
    """As Python does at its end: wait for threads that are no daemons."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
