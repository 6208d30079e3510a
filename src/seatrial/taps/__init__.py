"""Where seatrial listens. The only folder that patches or hooks torch; `install` is called once torch is imported."""

from __future__ import annotations

import importlib
import weakref
from collections.abc import Callable
from typing import TypeVar

import torch

from seatrial.events import Event, TorchSeen
from seatrial.step.verification import Verifier
from seatrial.taps import (
    autograd,
    batches,
    checkpoints,
    clipping,
    losses,
    modules,
    resets,
    scalers,
    schedules,
    scripting,
    seeds,
    warned,
)
from seatrial.taps.evaluation import EvaluationLog
from seatrial.taps.exchanges import Exchanges
from seatrial.taps.models import Models
from seatrial.taps.optimizers import OptimizerTap
from seatrial.taps.recording import Recording
from seatrial.taps.standings import Standings
from seatrial.taps.watch import Watch

__all__ = ["Watch", "apart", "install", "listening"]

T = TypeVar("T")
_listening: list[weakref.ref[Watch]] = []  # those that were installed and are not finished, the latest last


def install(emit: Callable[[Event], None], verify: Verifier | None = None, looks: float | None = None) -> Watch:
    """Begin to listen; events go to `emit`. `verify` is told of every captured step (see benchmarks/replay.py). `looks`: share of
    the time that close looks may take, the usual one if nothing is given.

    Returns the watch; `finish()` it when the script has ended.
    """
    importlib.import_module("torch.optim.lr_scheduler")
    watch = Watch(emit)
    watch.send(TorchSeen(torch.__version__))
    models = Models(watch)
    recording = Recording(watch, models, verify, looks)
    watch.steps = recording.steps.kept.steps
    log = EvaluationLog(watch, recording)
    models.end_of_evaluation = log.end
    watch.at_finish.insert(0, log.end)
    watch.at_finish.insert(0, recording.stop)
    watch.at_finish.append(recording.stack.tidy)
    modules.install(watch, recording, models, log)
    autograd.install(watch, recording)
    exchanges = Exchanges(watch)
    exchanges.install()
    OptimizerTap(watch, recording, models, Standings(watch, exchanges, models)).install()
    losses.install(watch, log)
    resets.install(watch, models)
    for side in (schedules, clipping, batches, seeds, checkpoints, scalers, scripting, warned):
        side.install(watch)
    watch.stop_looking = recording.stop
    own = weakref.ref(watch)
    _listening.append(own)
    watch.at_finish.append(lambda: _listening.remove(own))
    return watch


def listening() -> Watch | None:
    """The watch that listens at present, the latest where there are several."""
    latest = _listening[-1]() if _listening else None
    return latest if latest is not None and latest.on else None


def apart(call: Callable[[], T]) -> T:
    """Make a call of seatrial's own from within a program that may be watched: nothing of it is heard, and it meets torch as
    it is without us."""
    outer = listening()
    if outer is None:
        return call()
    outer.stop_looking()
    outer.on = False
    try:
        return outer.patches.without(call)()
    finally:
        outer.on = True
