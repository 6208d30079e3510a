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
        return _learnt(practice)
    except UsageProblem as problem:
        return Outcome((), skipped=f"Nothing was learnt anew: {problem}")


# ---- inner steps -------------------------------------------------------------------------------------------------


def _learnt(practice: Practice) -> Outcome:
    folder = practice.folder / FOLDER
    undivided = replace(practice, undivided=True)
    chosen, task = practice.chosen[0], beside(undivided)[0]
    made = practice.diary.value("ensemble", "ensemble")
    told = f"{counted(len(task.train), 'example')} instead of {len(chosen.train)}."  # pyright: ignore[reportArgumentType]
    if made is None:
        first, path = Path(practice.diary.value("train", "weights")), folder / "model.safetensors"
        folder.mkdir(exist_ok=True)
        why = refitted(_that_counts(undivided), first, folder / "training", path, practice.progress)
        if why:
            return Outcome((f"The training stays as it was: {why}",))
        return Outcome((f"The network has learnt anew from {told}",), values={"weights": str(path)})
    ensemble = Ensemble.load(made, chosen)
    recipes = {each.name: _recipe(undivided, Path(made), each) for each in ensemble.voices if each.kind == NETWORK}
    seed = beside(practice)[1].seed
    last, stay = refit(ensemble, recipes, task, folder, seed=seed, progress=practice.progress)
    many = len(ensemble.voices) - len(stay)
    return Outcome(
        (f"{counted(many, 'member')} learnt anew from {told}", *stay), values={"ensemble": str(last.file.parent)}
    )


def _recipe(undivided: Practice, ensemble: Path, voice: Voice) -> Recipe:
    """How a network of the ensemble was trained: one beside the training that counts, or that one."""
    if not voice.name.startswith(_SEED):
        return _that_counts(undivided)
    task, others = beside(undivided)
    best = load_state(ensemble / "trainings" / voice.name)["best"]
    return Recipe(task, _until(others, best, int(voice.name.removeprefix(_SEED))))


def _that_counts(undivided: Practice) -> Recipe:
    task, settings = undivided.chosen
    return Recipe(task, _until(settings, undivided.diary.value("train", "best"), settings.seed))


def _until(settings: Settings, best: int, seed: int) -> Settings:
    return replace(settings, seed=seed, until=best)
