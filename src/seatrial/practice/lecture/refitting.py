"""The stage after all choices: what was chosen learns once more, from the data too that it was chosen by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from seatrial.errors import UsageProblem
from seatrial.numbers import counted
from seatrial.practice.ensembles.member import NETWORK
from seatrial.practice.ensembles.refitting import Recipe, refit, refitted
from seatrial.practice.ensembles.saved import Ensemble, Voice
from seatrial.practice.fitting.checkpoints import load_state
from seatrial.practice.fitting.preparing import prepared
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.lecture.outcome import Outcome
from seatrial.practice.lecture.practice import Practice
from seatrial.practice.lecture.training import beside
from seatrial.practice.task import Task

FOLDER = "refit"
_SEED = "seed-"


def learn_anew(practice: Practice) -> Outcome:
    """The members of the ensemble, or the training that counts, learn from all data that are not sealed."""
    if practice.quick:
        return Outcome((), skipped="A quick practice trains once.")
    if practice.diary.value("split", "validation") is None:
        return Outcome(
            (), skipped="The validation data are the task's own: they may be of another kind than what is trained on."
        )
    chosen, settings = practice.chosen
    if any(each.watches for each in prepared(chosen, chosen.make(), 0.0, settings.schedule, 1).schedules):
        return Outcome((), skipped="The learning rate follows the validation loss, which there would be none of.")
    try:
        return _learnt(practice, chosen)
    except UsageProblem as problem:
        return Outcome((), skipped=f"Nothing was learnt anew: {problem}")


# ---- inner steps -------------------------------------------------------------------------------------------------


def _learnt(practice: Practice, chosen: Task) -> Outcome:
    folder, made = practice.folder / FOLDER, practice.diary.value("ensemble", "ensemble")
    task, settings = replace(practice, undivided=True).chosen
    that_counts = _until(task, settings, practice.diary.value("train", "best"), settings.seed)
    told = f"{counted(len(task.train), 'example')} instead of {len(chosen.train)}."  # pyright: ignore[reportArgumentType]
    if made is None:
        first, path = Path(practice.diary.value("train", "weights")), folder / "model.safetensors"
        folder.mkdir(exist_ok=True)
        why = refitted(that_counts, first, folder / "training", path, practice.progress)
        if why:
            return Outcome((f"The training stays as it was: {why}",))
        return Outcome((f"The network has learnt anew from {told}",), values={"weights": str(path)})
    fixed, others = beside(task, settings)
    ensemble = Ensemble.load(made, chosen)
    recipes = {
        each.name: _beside(fixed, others, Path(made), each) if each.name.startswith(_SEED) else that_counts
        for each in ensemble.voices
        if each.kind == NETWORK
    }
    last, stay = refit(ensemble, recipes, fixed, folder, seed=others.seed, progress=practice.progress)
    many = len(ensemble.voices) - len(stay)
    return Outcome(
        (f"{counted(many, 'member')} learnt anew from {told}", *stay), values={"ensemble": str(last.file.parent)}
    )


def _beside(task: Task, others: Settings, ensemble: Path, voice: Voice) -> Recipe:
    best = load_state(ensemble / "trainings" / voice.name)["best"]
    return _until(task, others, best, int(voice.name.removeprefix(_SEED)))


def _until(task: Task, settings: Settings, best: int, seed: int) -> Recipe:
    return Recipe(task, replace(settings, seed=seed, until=best))
