"""`ensemble`: members of several kinds, the best combination of them by the validation data, and what it is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.voting.columns import CLASSES, together
from seatrial.evaluation.voting.diversity import Diversity, diversity
from seatrial.evaluation.voting.losses import error
from seatrial.evaluation.voting.majority import majority_error, majority_error_of
from seatrial.practice.ensembles.averages import averages
from seatrial.practice.ensembles.checkpoints import checkpoints as read_checkpoints
from seatrial.practice.ensembles.choice import HARD, Choice, check_enough, choose
from seatrial.practice.ensembles.making import Making
from seatrial.practice.ensembles.member import Member
from seatrial.practice.ensembles.saved import Ensemble, save
from seatrial.practice.ensembles.soup import soup
from seatrial.practice.ensembles.store import Store
from seatrial.practice.ensembles.trainings import seeds, snapshots
from seatrial.practice.fitting.preparing import found_rate
from seatrial.practice.fitting.settings import FOUND, Settings
from seatrial.practice.optimizers.kinds import with_optimizer
from seatrial.practice.predicting.predicting import predict
from seatrial.practice.refusal import refused
from seatrial.practice.task import Task
from seatrial.practice.unchanged import seed, unchanged
from seatrial.taps import apart

SEEDS, SNAPSHOTS, AVERAGES, SOUP, CLASSICAL = KINDS = ("seeds", "snapshots", "averages", "soup", "classical")
USUAL = (SEEDS, SOUP, CLASSICAL)
MEMBERS = 5


@dataclass(frozen=True, slots=True)
class Independence:
    """What independent members would do, beside what these do. `bound`, `bound_half`: the majority's error if each were wrong as often as
    they are on average, ties counted as right (as the formula does) and half; `own`: with each member's own error (ties half).
    `got`: the hard vote's."""

    mean_error: float
    bound: float
    bound_half: float
    own: float
    got: float


@dataclass(frozen=True, slots=True)
class Ensembled:
    """What was made. `left_out`: what is no member, and why."""

    folder: Path
    task: str
    ensemble: Ensemble
    members: tuple[Member, ...]
    choice: Choice
    diversity: Diversity | None
    independence: Independence | None
    left_out: tuple[str, ...]


def ensemble(
    task: Task,
    out: Path,
    settings: Settings | None = None,
    *,
    members: int = MEMBERS,
    kinds: Sequence[str] = USUAL,
    checkpoints: Sequence[Path] = (),
    groups: NDArray[Any] | None = None,
    progress: bool = True,
    told: Callable[[str], None] = lambda words: None,
) -> Ensembled:
    """Make members, choose among them, and keep the ensemble. Called again with the same after an interruption, it goes on.

    Args:
        task: with validation data, by which all is chosen. Its vault, if it has one, stays shut.
        out: a folder for all files.
        settings: of each training.
        members: so many trainings with other seeds; and so many snapshots.
        kinds: where members come from: "seeds", "snapshots", "averages" (EMA and SWA), "soup", "classical".
        checkpoints: files of weights of this task's model, or folders of them, as further members.
        groups: (n,) of the validation examples: those of one group stay together where halves are drawn.
        progress: whether to show what is going on.
        told: what is done, in words.

    Raises:
        UsageProblem: the task, a setting, a checkpoint or the folder is not what it should be, or the task's own code fails.
    """
    chosen = settings or Settings()
    _check(task, chosen, members, kinds, checkpoints)
    check_enough(len(task.validation), groups)  # pyright: ignore[reportArgumentType]
    answers = apart(lambda: _answers(task, chosen.seed))
    about = {
        "task": task.name,
        "examples": len(task.train),  # pyright: ignore[reportArgumentType]
        "validation": answers.examples_hash,
        "batch_size": task.batch_size,
        "members": members,
        "settings": {key: value for key, value in asdict(chosen).items() if key not in ("save_seconds", "accelerator")},
    }
    store = Store(out.resolve(), about)

    def make() -> Ensembled:
        with unchanged():
            making = _making(task, store, chosen, members, progress, told)
            return _finished(making, _members(making, kinds, checkpoints, answers), groups)

    return apart(make)


def _check(task: Task, settings: Settings, members: int, kinds: Sequence[str], checkpoints: Sequence[Path]) -> None:
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not (kinds or checkpoints):
        found = ", ".join(unknown) or "none"
        raise refused(f"kinds among {', '.join(KINDS)}", found, "ensemble-kinds", "For instance seeds,classical.")
    if task.validation is None:
        hint = "Give validation=..., data of the same form; or let seatrial practice set some apart."
        raise refused("validation data to choose by", "none", "ensemble-validation", hint)
    if members < 1:
        raise refused("at least one member", str(members), "ensemble-members", "Five are usual.")
    if settings.devices > 1:
        hint = "Train the members one by one on several devices, and give their folders as checkpoints."
        raise refused("one device for each training", str(settings.devices), "ensemble-devices", hint)


def _answers(task: Task, number: int) -> Predictions:
    """What an untrained network says of the validation data: of which kind members' answers will be.

    Raises:
        UsageProblem: the task's own code fails, or such answers cannot be combined.
    """
    assert task.validation is not None
    with unchanged():
        seed(number)
        found = predict(task, task.make().model, task.validation)
    together([found])
    return found


def _making(
    task: Task, store: Store, settings: Settings, members: int, progress: bool, told: Callable[[str], None]
) -> Making:
    """The optimizer and the rate are the same for all members: a rate that is to be found is found once."""
    used = with_optimizer(task, settings.optimizer)
    rate = settings.rate
    if rate == FOUND:
        rate = store.value("rate")
        if rate is None:
            told("finding the rate")
            rate = found_rate(used, settings, progress)
            store.remember("rate", rate)
    return Making(used, store, replace(settings, optimizer="", rate=rate), members, progress, told)


def _members(making: Making, kinds: Sequence[str], checkpoints: Sequence[Path], answers: Predictions) -> list[Member]:
    from seatrial.practice.ensembles.classical import classical

    found = read_checkpoints(making, checkpoints)  # first: a file that is none is told before anything is trained
    for kind, make in ((SEEDS, seeds), (SNAPSHOTS, snapshots), (AVERAGES, averages)):
        if kind in kinds:
            found += make(making)
    if SOUP in kinds:
        found += soup(making, found)
    if CLASSICAL in kinds:
        found += classical(making, answers)
    if not found:
        why = " ".join(making.left_out) or "none were asked for."
        raise UsageProblem(
            f"Expected at least one member, found none: {why}",
            "ensemble-empty",
            "Ask for other kinds, or look at the report of a training: a lower rate is the usual remedy.",
        )
    return found


def _finished(making: Making, members: Sequence[Member], groups: NDArray[Any] | None) -> Ensembled:
    making.told("choosing")
    choice = choose(members, groups, making.settings.seed)
    made = save(making.store.folder, making.task, members, choice.chosen)
    choice.chosen.predictions.write(making.store.folder / "predictions" / "ensemble.npz")
    independent = diversity([each.predictions for each in members]) if len(members) > 1 else None
    return Ensembled(
        making.store.folder,
        making.task.name,
        made,
        tuple(members),
        choice,
        independent,
        _independence(members, choice),
        tuple(making.left_out),
    )


def _independence(members: Sequence[Member], choice: Choice) -> Independence | None:
    got = choice.named(HARD)
    if got is None or members[0].predictions.kind not in CLASSES:
        return None
    errors = [error(each.predictions) for each in members]
    mean = float(np.mean(errors))
    return Independence(
        mean,
        majority_error(mean, len(errors)),
        majority_error(mean, len(errors), "half"),
        majority_error_of(errors, "half"),
        got.error,
    )
