"""What a process of torch.multiprocessing.spawn calls in the place of torch's own function: that function, under watch."""

from __future__ import annotations

import importlib
import os
import platform
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import seatrial
from seatrial.events import NotLookedAt, RunEnded, RunStarted
from seatrial.launch.children import SPAWNER, Plan
from seatrial.launch.ending import Ending, users_place
from seatrial.launch.gathering import WAIT_AFTER_FAILURE, wait
from seatrial.launch.ranks import Rank
from seatrial.launch.trying import Trials
from seatrial.record import Recorder
from seatrial.record.ranks import place_in, ranks_in

if TYPE_CHECKING:
    from seatrial.taps import Watch


class Spawned:
    """Stands for `torch.multiprocessing.spawn._wrap`; goes to the new process by its plan alone. A process that was forked
    still has the watch of its parent, which hears nothing there."""

    def __init__(self, plan: Plan, outer: Watch | None = None) -> None:
        self.plan = plan
        self.outer = outer

    def __reduce__(self) -> tuple[Any, ...]:
        return Spawned, (self.plan,)

    def __call__(self, function: Any, index: int, args: Any, error_file: str) -> None:
        if self.outer is not None:
            self.outer.patches.restore()
        own = _Process(self.plan, index)
        outcome = Ending("completed", 0)
        try:
            importlib.import_module(SPAWNER)
            sys.modules[SPAWNER]._wrap(function, index, args, error_file)
        except SystemExit as asked:
            outcome = _of(asked)
            raise
        finally:
            own.end(outcome)


def _of(asked: SystemExit) -> Ending:
    """torch ends the process so after an exception of the program."""
    code = asked.code if isinstance(asked.code, int) else 0 if asked.code is None else 1
    error = asked.__context__
    if error is None:
        return Ending("exited", code)
    return Ending("failed", code, f"{type(error).__name__}: {error}", users_place(error.__traceback__))


class _Process:
    """The record of one process, begun when its function is about to be called. A failure of ours changes nothing else."""

    def __init__(self, plan: Plan, index: int) -> None:
        self.recorder: Recorder | None = None
        self.watch: Watch | None = None
        self.started = time.time()
        self.rank = Rank(index, 0, False, 0, 0, plan.launch)  # torch does not tell of how many
        self.folder = Path(plan.folder)
        try:
            from seatrial.taps import install

            recorder = self.recorder = Recorder(self.folder / self.rank.record)
            script, python = plan.script, platform.python_version()
            recorder.send(
                RunStarted(script, plan.args, self.started, seatrial.__version__, python, os.getcwd(), within=True)
            )
            recorder.send(self.rank.started())
            self.watch = install(recorder.send, looks=plan.config.budget.looks)
            trials = plan.trials if index == 0 else "off"
            self.trials = Trials(trials, False, recorder, plan.config, sys.stderr, quiet=True)
        except Exception as error:
            self._trouble("torch is not watched", error)

    def end(self, outcome: Ending) -> None:
        recorder, watch = self.recorder, self.watch
        if recorder is None or watch is None:
            return
        seconds = time.time() - self.started
        try:
            watch.finish()
            recorder.send(
                RunEnded(
                    outcome.status,
                    outcome.code,
                    outcome.exception,
                    outcome.where,
                    watch.tick,
                    watch.optimizer_steps,
                    seconds,
                    recorder.seconds + watch.seconds,
                )
            )
            recorder.flush()
            if outcome.code == 0:
                self.trials.after(watch, seconds)
            else:  # torch ends the others once this one is gone
                known = 1 + max(place_in(path.name)[0] for path in ranks_in(self.folder))
                wait(self.folder, replace(self.rank, world_size=known), WAIT_AFTER_FAILURE)
        except Exception as error:
            self._trouble("the end of the run was not looked at", error)
        recorder.close()

    def _trouble(self, what: str, error: Exception) -> None:
        if self.recorder is not None:
            self.recorder.send(NotLookedAt(what, f"{type(error).__name__}: {error}"))
