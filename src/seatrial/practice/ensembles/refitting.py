"""The members of a chosen ensemble learn anew, each as it learnt before, from the data too that they were chosen by.

Weights, votes and temperature stay: they were chosen while those data were still unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from seatrial.errors import UsageProblem
from seatrial.evaluation.voting.losses import loss
from seatrial.numbers import decimal
from seatrial.practice.ensembles.classical import learn, part
from seatrial.practice.ensembles.features import features
from seatrial.practice.ensembles.member import NETWORK, device_for, said_by
from seatrial.practice.ensembles.saved import Ensemble, Voice, having_learnt_anew
from seatrial.practice.fitting.checkpoints import LAST, STATE
from seatrial.practice.fitting.fit import fit
from seatrial.practice.fitting.settings import LOSS, Settings
from seatrial.practice.task import Task

# From here on a loss is clearly larger: trainings in another order differ by some percent.
WORSE = 1.1


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network was trained: the task, all data among its training data, and settings that end with the epoch that was the best."""

    task: Task
    settings: Settings


def refit(
    made: Ensemble,
    recipes: Mapping[str, Recipe],
    task: Task,
    folder: Path,
    *,
    seed: int = 0,
    progress: bool = True,
) -> tuple[Ensemble, tuple[str, ...]]:
    """Learn all members anew. Called again after an interruption, it goes on.

    Args:
        made: the ensemble.
        recipes: of the networks, by the names of the members.
        task: all data are among its training data.
        folder: for all files.
        seed: of the classical members.

    Returns:
        The ensemble, and in sentences what stays as it was: a member that knows clearly less of all these data than before, when it had
        learnt from a part of them, has not learnt what it had.

    Raises:
        UsageProblem: the task's own code fails.
    """
    files: dict[str, Path] = {}
    stay: list[str] = []
    (folder / "members").mkdir(parents=True, exist_ok=True)
    for voice in made.voices:
        path = folder / "members" / f"{voice.name}.safetensors"
        before = made.file.parent / voice.file
        why = (
            refitted(recipes[voice.name], before, folder / "trainings" / voice.name, path, progress)
            if voice.kind == NETWORK
            else _learnt(made, voice, task, seed, path)
        )
        if why:
            stay.append(f"{voice.name} stays as it was: {why}")
            path.write_bytes(before.read_bytes())
        files[voice.name] = path
    return having_learnt_anew(made, task, folder, files), tuple(stay)


def refitted(recipe: Recipe, before: Path, folder: Path, path: Path, progress: bool) -> str:
    """Train a network anew and put its weights in a file; why not, in words, or ""."""
    task = recipe.task.having(validation=None, metric=None)  # nothing is left to measure by, nor to choose by
    settings = replace(recipe.settings, choose=LOSS, highest=False, patience=0, kept=0)
    done = fit(task, folder, settings, resume=(folder / STATE).exists(), progress=progress)
    if done.ending:
        return done.ending
    why = _lost(NETWORK, task, before, folder / LAST, device_for(settings))
    if not why:
        path.write_bytes((folder / LAST).read_bytes())
    return why


# ---- inner steps -------------------------------------------------------------------------------------------------


def _learnt(made: Ensemble, voice: Voice, task: Task, seed: int, path: Path) -> str:
    try:
        training = part(features(task, task.train, made.kind), seed)
        learn(voice.kind, made.kind, len(made.classes), training, seed, path)
    except UsageProblem as problem:
        return problem.message
    return _lost(voice.kind, task, made.file.parent / voice.file, path, None)


def _lost(kind: str, task: Task, before: Path, after: Path, device: torch.device | None) -> str:
    """What is said where a member knows less of all data afterwards (also where it knows nothing: nan)."""
    was, now = (loss(said_by(kind, task, file, task.train, device)) for file in (before, after))
    if now <= WORSE * was:
        return ""
    return f"the loss on all data was {decimal(now, 3)} afterwards, and {decimal(was, 3)} before."
