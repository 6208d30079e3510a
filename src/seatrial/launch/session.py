"""A run from its start to its report: what is checked before, the program itself, what was heard, the verdict."""

from __future__ import annotations

import contextlib
import gc
import os
import platform
import sys
import threading
import time
import traceback
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import seatrial
from seatrial.events import NotLookedAt, RunEnded, RunStarted, SourceSeen
from seatrial.launch import ending, gathering
from seatrial.launch.afterwards import Afterwards
from seatrial.launch.children import Plan, follow
from seatrial.launch.ending import Ending
from seatrial.launch.folder import LOG, prepare, taken_folder
from seatrial.launch.hook import AfterImport
from seatrial.launch.program import Program, load, main_module, ready
from seatrial.launch.ranks import claim_of, of_environment, prepare_for, shared_folder, starts_others
from seatrial.launch.settings import settings
from seatrial.launch.trying import Trials
from seatrial.record import NAME, Recorder
from seatrial.terminals import printable

if TYPE_CHECKING:
    from seatrial.report.formats import Formats
    from seatrial.taps import Watch


class Session:
    """One run. Making it checks all that a person may have got wrong; nothing of the program has run by then.

    `rank_of`: the folder of the run that started this process as one of several, and that reports on all."""

    in_ranks = True  # whether a process that a launcher started as one of several records and reports with the others

    def __init__(
        self,
        program: Program,
        out: Path | None,
        strict: bool = False,
        quiet: bool = False,
        trials: str = "full",
        trials_first: bool = False,
        formats: Formats | None = None,
        afterwards: Afterwards | None = None,
        rank_of: Path | None = None,
    ) -> None:
        self._path = list(sys.path)
        self._stderr = sys.stderr
        self._process = os.getpid()
        ready(program)
        self.program = program
        self.loaded = load(program)
        self.config = settings(self.loaded.file or program.name, self.loaded.text)
        self.strict = strict
        self.quiet = quiet
        self.formats = formats
        self.afterwards = afterwards
        if afterwards is not None:
            afterwards.ready(self.config)
        self.rank_of = rank_of
        single = not self.in_ranks or starts_others(program)
        self.rank = None if single else of_environment(os.environ, rank_of is not None)
        self._claimed = out is None and rank_of is None
        self.folder = self._prepared(out)
        self.recorder = Recorder(self.folder / (self.rank.record if self.rank is not None else NAME))
        made = trials if self.rank is None or self.rank.rank == 0 else "off"
        self.trials = Trials(made, trials_first, self.recorder, self.config, self._stderr, quiet)
        self._children: AfterImport | None = None
        self.watch: Watch | None = None
        self.troubles: list[str] = []
        self._started = time.time()
        self._ended = False
        self._exit = os._exit

    def _prepared(self, given: Path | None) -> Path:
        if self.rank_of is not None:
            return self.rank_of
        if self.rank is None:
            return prepare(given or taken_folder(self.program))
        return prepare_for(given or shared_folder(self.program, self.rank), self.rank)

    def run(self) -> int:
        """Run the program, conclude it as Python would, and report.

        Returns the exit status to end with. The program's frames lie upon this one: it calls no other of ours.
        """
        hook = self._start()
        main = main_module(self.loaded.file)
        error: BaseException | None = None
        try:
            self.loaded.run(vars(main))
        except BaseException as raised:
            error = raised
        seconds = time.time() - self._started
        outcome = ending.of(error)
        error = None
        if os.getpid() != self._process:  # a child that the program forked: Python concludes it
            return outcome.code
        self.trials.load(self.watch)
        ending.conclude()
        hook.forget()
        if self._children is not None:
            self._children.forget()
        os._exit = self._exit
        return self.end(outcome, seconds)

    def _start(self) -> AfterImport:
        self.recorder.send(
            RunStarted(
                self.program.name,
                self.program.args,
                self._started,
                seatrial.__version__,
                platform.python_version(),
                str(Path.cwd()),
            )
        )
        if self.rank is not None:
            self.recorder.send(self.rank.started())
        if self.loaded.file:
            self.recorder.send(SourceSeen(self.loaded.file, self.loaded.text))
        os._exit = self._exit_at_once
        if self.afterwards is not None:
            self.afterwards.listen()
        hook = AfterImport("torch", self._torch_is_here)
        hook.watch()
        return hook

    def _torch_is_here(self) -> None:
        """torch was just imported: begin to listen. Our own failure never reaches the program."""
        if os.getpid() != self._process:
            return
        try:
            from seatrial.taps import install

            self.watch = install(self.recorder.send, looks=self.config.budget.looks)
            self.trials.listen(self.watch)
            if self.rank is None and self.in_ranks:
                launch = f"{os.getpid()} {self._started}"
                program, trials = self.program, self.trials.name
                plan = Plan(str(self.folder), program.name, program.args, launch, trials, self.config)
                self._children = follow(self.watch, plan)
        except Exception as error:
            self._trouble("torch is not watched", error)

    def _exit_at_once(self, status: int) -> NoReturn:
        """What the program finds as os._exit: the process ends without any conclusion, but for ours."""
        if os.getpid() == self._process and not self._ended:
            outcome = Ending("exited", status)
            if threading.current_thread() is threading.main_thread():
                self.end(outcome, time.time() - self._started)
            else:  # the main thread may be anywhere: only what is sure
                self._ended = True
                self._send_end(outcome, time.time() - self._started)
        self._exit(status)

    # ---- the end -------------------------------------------------------------------------------------------------

    def end(self, outcome: Ending, seconds: float) -> int:
        """Close the record, judge it, report. A failure of ours is told in a line and changes nothing else."""
        self._ended = True
        _flush(sys.stdout)
        with _Surroundings(self._path, self._stderr):
            try:
                self._close(outcome, seconds)
                with _uncollected():
                    status = self._report(outcome)
            except (Exception, KeyboardInterrupt) as error:
                self._trouble("no report could be made", error)
                status = 1 if self.strict and outcome.code == 0 else outcome.code
            self._tell_troubles()
            _flush(self._stderr)
        return status

    def _close(self, outcome: Ending, seconds: float) -> None:
        watch = self.watch
        if watch is not None:
            try:
                watch.finish()
            except Exception as error:
                self._trouble("the end of the run was not looked at", error)
        elif "torch" in sys.modules and not self.troubles:
            self.recorder.send(NotLookedAt("torch", "it was imported in a way that could not be followed"))
        self._send_end(outcome, seconds)
        # Of several processes the others wait for one that failed to be gone.
        if watch is not None and (self.rank is None or outcome.code == 0):
            try:
                self.trials.after(watch, seconds)
            except KeyboardInterrupt:
                self.recorder.send(NotLookedAt("the rest of the trials", "they were interrupted", trial=True))
            except Exception as error:
                self._trouble("the trials were not made to their end", error)
        self.recorder.close()
        if self.recorder.failed:
            self.troubles.append(f"the record ends early ({self.recorder.failed})")

    def _send_end(self, outcome: Ending, seconds: float) -> None:
        watch = self.watch
        watching = self.recorder.seconds + (watch.seconds if watch else 0.0)
        self.recorder.send(
            RunEnded(
                status=outcome.status,
                exit_code=outcome.code,
                exception=outcome.exception,
                where=outcome.where,
                ticks=watch.tick if watch else 0,
                optimizer_steps=watch.optimizer_steps if watch else 0,
                seconds=seconds,
                watching_seconds=watching,
            )
        )
        self.recorder.flush()

    def _report(self, outcome: Ending) -> int:
        from seatrial.launch.reporting import publish, runs_at, settings_of, untrained

        if self.rank_of is not None or not self._reports(outcome):
            return outcome.code
        # From what is on disk, so that judging the record later says the same.
        runs = runs_at(self.folder)
        config = self.config if self.rank is not None or len(runs) == 1 else settings_of(runs[0])
        verdict = publish(runs, self.folder, config, not self.quiet, self.formats)
        if self.afterwards is not None:
            self.afterwards.ended(self.folder, self._started, sys.stderr, self.quiet)
        nothing = untrained(verdict.run)
        if outcome.code != 0:
            return outcome.code
        if nothing:
            print(f"seatrial: {nothing}", file=sys.stderr)
        # Of one of several processes a launcher would end the others, or start all anew.
        if self.rank is not None and (nothing or self.rank.attempts):
            return 0
        return 2 if nothing else 1 if self.strict and verdict.errors else 0

    def _reports(self, outcome: Ending) -> bool:
        """Whether this process makes the report; one that makes it for others waits for them."""
        if self.rank is None:
            return True
        if not gathering.reports(self.folder, self.rank, outcome.code != 0):
            return False
        if outcome.code != 0:
            gathering.wait(self.folder, self.rank, gathering.WAIT_AFTER_FAILURE)
            return True
        gathering.wait(self.folder, self.rank)
        if self._claimed:
            claim = self.folder.parent / claim_of(self.rank).name  # the program may have changed the working folder
            claim.unlink(missing_ok=True)
        return True

    # ---- when we are broken --------------------------------------------------------------------------------------

    def _trouble(self, what: str, error: BaseException) -> None:
        """Keep a failure of ours: a line for the person, the traceback for the log."""
        why = f"{type(error).__name__}: {error}"
        self.troubles.append(f"{what} ({why})")
        self.recorder.send(NotLookedAt(what, why))
        with contextlib.suppress(OSError), (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.writelines(traceback.format_exception(error))

    def _tell_troubles(self) -> None:
        for trouble in self.troubles:
            told = f"seatrial: {trouble}. The program itself was not touched; see {self.folder / LOG}"
            print(printable(told), file=sys.stderr)


class _Surroundings:
    """What our own code needs while it reports: the path to import from and the stderr of the start, no warnings."""

    def __init__(self, path: list[str], stderr: Any) -> None:
        self.path = path
        self.stderr = stderr

    def __enter__(self) -> None:
        import warnings

        self._theirs = (sys.path, sys.stderr)
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")
        if self.stderr is None or self.stderr.closed:  # the program has closed it: nobody listens
            self.stderr = Path(os.devnull).open("w", encoding="utf-8")
        sys.path, sys.stderr = self.path, self.stderr

    def __exit__(self, *_: object) -> None:
        self._warnings.__exit__(None, None, None)
        sys.path, sys.stderr = self._theirs


@contextlib.contextmanager
def _uncollected() -> Generator[None]:
    """No search for garbage: the record is read and kept. Each search would go through all that torch has made since it was imported."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _flush(stream: Any) -> None:
    with contextlib.suppress(Exception):  # closed, broken or none at all: not ours to say
        stream.flush()
