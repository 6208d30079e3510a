"""A worker: takes trainings from the board until there are none. Any number of them, on any number of machines."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from seatrial.practice.search.board import INTERRUPTED, Board, Claim, is_end
from seatrial.practice.search.owner import BEAT, SILENCE, Beats, Looker
from seatrial.practice.search.settings import Budget, SearchSettings
from seatrial.practice.search.source import Source
from seatrial.practice.search.space import Space
from seatrial.practice.search.stages import Plan
from seatrial.practice.search.storage import opened
from seatrial.practice.search.training import train

_PAUSE = 0.2  # seconds until the next look where there is nothing to do; longer the longer there is nothing
_LONGEST_PAUSE = 2.0
INTERRUPTED_STATUS = 130


@dataclass(frozen=True)
class Workplace:
    """All that a worker needs to know. `budgets` are settled before it starts; `folder`: for the folders of trainings.
    `beat`, `silence`: seconds, see owner.py."""

    source: Source
    storage: str
    name: str
    folder: str
    settings: SearchSettings
    budgets: tuple[Budget, ...]
    beat: float = BEAT
    silence: float = SILENCE


def work(place: Workplace) -> None:
    """Work until the search is over, in a process of its own. It is ended by SIGTERM, and by the end of the process that started it;
    Ctrl-C is that one's to hear. What it was at goes on from the state that was saved last."""
    parent = os.getppid()

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        raise KeyboardInterrupt

    def look() -> None:
        if os.getppid() != parent:  # nobody would tell us to stop any more
            os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop)
    try:
        work_on(place, place.source.load(), look)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED_STATUS)


def work_on(place: Workplace, space: Space, each_beat: Callable[[], object] = lambda: None) -> None:
    """Work until the search is over, in this process.

    Args:
        each_beat: is called now and then, also from another thread.
    """
    plan = Plan(space, place.settings, place.budgets)
    with opened(place.storage) as storage:
        board = Board(storage, place.name, place.silence)
        pause = _PAUSE
        while True:
            stages = board.stages()
            if is_end(stages):
                return
            if not stages or board.is_over(stages[-1]):
                board.write(plan.next(board.record()))
                continue
            board.bury(stages[-1])
            claim = board.claim(stages[-1])
            if claim is None:
                each_beat()
                time.sleep(pause)
                pause = min(_LONGEST_PAUSE, pause * 1.5)
                continue
            pause = _PAUSE
            _make(place, board, space, claim, each_beat)
            each_beat()


def _make(place: Workplace, board: Board, space: Space, claim: Claim, each_beat: Callable[[], object]) -> None:
    def beat(count: int) -> None:
        each_beat()
        board.beat(claim, count)

    job = claim.job
    folder = Path(place.folder) / f"{claim.stage.number}-{claim.stage.name}" / f"{job.candidate:03}-seed-{job.seed}"
    if not all(Looker.is_known_dead(owner) for owner in claim.died):
        # One that is taken for dead elsewhere may still write: it keeps its folder.
        folder = folder.with_name(f"{folder.name}-attempt-{len(claim.died) + 1}")
    try:
        with Beats(beat, place.beat):
            done = train(space, claim.trial, job, place.settings, folder, resume=claim.resume)
    except BaseException as error:  # Ctrl-C: the training goes on with the search
        board.fail(claim, INTERRUPTED, type(error).__name__)
        raise
    if done.why:
        board.fail(claim, done.why, done.said, done.told)
    else:
        board.complete(claim, done.figure, done.told)
