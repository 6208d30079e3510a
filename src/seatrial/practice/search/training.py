"""One training of a search: its figure, or why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.errors import UsageProblem
from seatrial.practice.fitting.checkpoints import LAST, STATE
from seatrial.practice.fitting.fit import Fit, fit
from seatrial.practice.fitting.settings import LOSS, Settings
from seatrial.practice.search.board import DIVERGED, FAILED, MEMORY
from seatrial.practice.search.settings import SearchSettings
from seatrial.practice.search.space import Space, Suggested
from seatrial.practice.search.work import Job

# What torch and the system say where memory runs out, besides errors of kinds of their own.
_OF_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")


@dataclass(frozen=True)
class Trained:
    """`figure`: nan where `why` says why there is none. `told`: plain values for the board."""

    figure: float
    why: str
    said: str
    told: dict[str, Any]


def train(space: Space, trial: Any, job: Job, settings: SearchSettings, folder: Path, *, resume: bool) -> Trained:
    """Train what a trial stands for.

    Args:
        resume: go on with what an earlier attempt has left in the folder, if it has.
    """
    import optuna

    try:
        suggested = space(trial)
        going_on = resume and (folder / STATE).exists()
        done = fit(suggested.task, folder, _settings(job, settings, suggested), resume=going_on, progress=False)
    except optuna.TrialPruned as error:
        return Trained(math.nan, FAILED, f"The space refuses it: {error}", {})
    except Exception as error:
        why, said = _failure(error)
        return Trained(math.nan, why, said, {})
    for leftover in (STATE, LAST):  # nobody goes on with them
        (folder / leftover).unlink(missing_ok=True)
    return _trained(done, settings)


def _settings(job: Job, settings: SearchSettings, suggested: Suggested) -> Settings:
    examples = len(suggested.task.train)  # pyright: ignore[reportArgumentType]
    one_batch = min(1.0, suggested.task.batch_size / examples)  # where the size of batches is searched, too
    return Settings(
        epochs=job.budget.epochs,
        patience=0,  # all have the same time
        choose=settings.choose,
        highest=settings.highest,
        seed=job.seed,
        subset=max(job.budget.share, one_batch),
        rate=suggested.rate,
        kept=0,
        accelerator=settings.accelerator,
    )


def _trained(done: Fit, settings: SearchSettings) -> Trained:
    seconds = sum(each.seconds for each in done.history.epochs)
    told: dict[str, Any] = {"seconds": seconds, "folder": str(done.folder)}
    if done.ending or not done.history.best:
        return Trained(math.nan, DIVERGED, done.ending or "No epoch came to its end.", told)
    best = done.best
    figure = best.validation if settings.choose == LOSS else best.metrics[settings.choose]
    metrics = {LOSS: best.validation, **best.metrics}
    told |= {"epoch": best.number, "metrics": {name: value for name, value in metrics.items() if math.isfinite(value)}}
    if not math.isfinite(figure):
        return Trained(math.nan, DIVERGED, f"The best {settings.choose} of the validation data was {figure}.", told)
    return Trained(figure, "", "", told)


def _failure(error: BaseException) -> tuple[str, str]:
    """Why, and the message; of an error of the task's own code, what stands behind it."""
    import torch

    said = " ".join(str(error).split())[:500]
    behind: BaseException | None = error
    while behind is not None:
        words = str(behind)
        if isinstance(behind, (MemoryError, torch.OutOfMemoryError)) or any(each in words for each in _OF_MEMORY):
            return MEMORY, said or "out of memory"
        behind = behind.__cause__
    return FAILED, said if isinstance(error, UsageProblem) else f"{type(error).__name__}: {said}"
