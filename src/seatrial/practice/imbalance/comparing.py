"""Remedies compared on validation data: each trained for the same steps from the same weights, over several seeds."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.thresholds.decisions import Decided, named
from seatrial.files import replace as replace_file
from seatrial.practice.fitting.checkpoints import LAST, STATE, trained_model
from seatrial.practice.fitting.fit import fit
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.identity import identity
from seatrial.practice.imbalance.against import Against, against
from seatrial.practice.imbalance.general import METRIC, in_general
from seatrial.practice.imbalance.judging import Judged, judge
from seatrial.practice.imbalance.rarity import Rarity, rarity
from seatrial.practice.imbalance.remedies import PLAIN, Augment, Choice, Remedy, choice, usual, why_not
from seatrial.practice.imbalance.start import Start, start
from seatrial.practice.predicting.predicting import predict
from seatrial.practice.refusal import refused
from seatrial.practice.task import Task

EPOCHS, SEEDS = 20, 3
PLAN = "imbalance-plan.json"
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """What was compared, its figures by seed, and how they differ from those of plain training (None: it is that).

    predictions  of the last weights, for the validation data, one a seed.
    """

    choice: Choice
    judged: tuple[Judged, ...]
    predictions: tuple[Predictions, ...]
    against_plain: Against | None = None

    @property
    def name(self) -> str:
        return self.choice.name

    @property
    def figures(self) -> tuple[float, ...]:
        return tuple(each.figure for each in self.judged)

    @property
    def mean(self) -> float:
        return float(np.mean(self.figures))

    @property
    def recalls(self) -> NDArray[Any]:
        """(classes,) mean over seeds."""
        return np.mean([each.recalls for each in self.judged], axis=0)

    @property
    def optimism(self) -> float:
        """How much too good a moved threshold looks on what it was fitted to, mean over seeds; nan where none was moved."""
        found = [each.crossed.optimism for each in self.judged if each.crossed is not None]
        return float(np.mean(found)) if found else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Remedies of a task, compared by `metric`. `left_out`: why, by name."""

    task: str
    rarity: Rarity
    start: Start | None
    metric: Decided
    epochs: int
    seeds: int
    candidates: tuple[Candidate, ...]
    left_out: dict[str, str]

    def __getitem__(self, name: str) -> Candidate:
        return next(each for each in self.candidates if each.name == name)

    def __contains__(self, name: str) -> bool:
        return any(each.name == name for each in self.candidates)


def compare_remedies(
    task: Task,
    remedies: Sequence[str] = (),
    *,
    metric: str = METRIC,
    seeds: int = SEEDS,
    epochs: int = EPOCHS,
    out: Path | None = None,
    augment: Augment | None = None,
    groups: NDArray[Any] | None = None,
    progress: bool = True,
    told: Told = lambda words: None,
) -> Comparison:
    """Train a task with several remedies and seeds, and compare what its last weights answer for the validation data.

    Args:
        remedies: by name (see `seatrial imbalance --help`); all that can be tried if nothing is given. Plain training is always one.
        metric: what they are compared by, a metric of decisions.
        seeds: trainings of each, at least 2.
        epochs: of each training; none stops earlier, and no best epoch is chosen on what judges.
        out: a folder for all trainings; those that it holds already are not done again, one that was interrupted goes on.
        augment: `augment(input)`, a changed copy of the input of an example, for the remedy of that name.
        groups: (n,) of the validation examples: those of one group are not independent of each other.

    Raises:
        UsageProblem: an argument or the task is not what it should be, or the folder holds trainings of another plan.
    """
    if seeds < 2:
        hint = "One training shows no spread; 3 are usual."
        raise refused("seeds of at least 2", repr(seeds), "imbalance-seeds", hint)
    if groups is not None and len(np.unique(groups)) < 2:
        hint = "Of one group nothing tells how far others differ: set more of them apart for validation."
        raise refused("two groups of validation examples at least", "one", "imbalance-groups", hint)
    known = rarity(task)
    measure = named(metric, known.answers.kind)
    chosen, left_out = _chosen(task, known, remedies, augment)
    with tempfile.TemporaryDirectory() as scratch:
        runs = _planned(out or Path(scratch), task, known, epochs)
        trained: dict[str, tuple[Predictions, ...]] = {}
        for seed in range(seeds):  # all remedies with one seed first: an early end leaves something to compare
            for remedy in dict.fromkeys(each.remedy.name for each in chosen):
                given = next(each.remedy for each in chosen if each.remedy.name == remedy)
                try:
                    told(f"{remedy}: training {seed + 1} of {seeds}")
                    found = _predicted(task, known, given, Settings(epochs, 0, seed=seed, kept=0), runs, progress)
                    found = replace(found, groups=groups)
                except UsageProblem as problem:
                    if remedy == PLAIN:
                        raise
                    left_out |= {each.name: str(problem) for each in chosen if each.remedy.name == remedy}
                    chosen = [each for each in chosen if each.remedy.name != remedy]
                    continue
                trained[remedy] = (*trained.get(remedy, ()), found)
    judged = [_judged(each, trained[each.remedy.name], known, measure) for each in chosen]
    plain = judged[0]
    targets = plain.predictions[0].targets
    first = in_general(task, known, metric).name

    def beside_plain(one: Candidate) -> Candidate:
        pairs = pairs_for(one.name, first, [each.name for each in judged[1:]])
        return replace(one, against_plain=against(one.judged, plain.judged, targets, measure, pairs, groups))

    compared = map(beside_plain, judged[1:])
    return Comparison(task.name, known, start(task, known), measure, epochs, seeds, (plain, *compared), left_out)


def pairs_for(name: str, first: str, names: Sequence[str]) -> int:
    """By how much the level of a comparison with plain training is divided. Half of it is kept for the remedy that was recommended
    beforehand, `first`, the other half shared by all others (weighted Bonferroni; Rosenthal & Rubin 1983)."""
    if first not in names or len(names) == 1:
        return len(names)
    return 2 if name == first else 2 * (len(names) - 1)


def _chosen(
    task: Task, known: Rarity, wanted: Sequence[str], augment: Augment | None
) -> tuple[list[Choice], dict[str, str]]:
    """What is compared, plain training first, and why some of it cannot be. What was asked for by name must be possible."""
    names = list(dict.fromkeys([PLAIN, *(wanted or usual(known, augment))]))
    chosen: list[Choice] = []
    left_out: dict[str, str] = {}
    for name in names:
        found = choice(name, augment)
        reason = why_not(found, task, known)
        if reason and wanted:
            raise refused(f"a task for {name}", f"one where {reason}", "imbalance-remedy", "Leave it out.")
        if reason:
            left_out[name] = reason
        else:
            chosen.append(found)
    return chosen, left_out


def _planned(folder: Path, task: Task, known: Rarity, epochs: int) -> Path:
    """The folder, for this plan alone."""
    plan = _plan(task, known, epochs)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PLAN
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else plan
    if before != plan:
        other = [
            f"{name} {before.get(name)} before and {value} now"
            for name, value in plan.items()
            if before.get(name) != value
        ]
        hint = "Give --out another folder."
        raise refused(f"trainings of the same task and epochs in {folder}", ", ".join(other), "imbalance-plan", hint)
    replace_file(path, json.dumps(plan).encode())
    return folder / "runs"


def _plan(task: Task, known: Rarity, epochs: int) -> dict[str, Any]:
    """What makes trainings comparable, as far as it can be told."""
    return {
        "epochs": epochs,
        "training examples by class": known.counts.tolist(),
        "validation examples by class": known.validation.tolist(),
        **identity(task),
    }


def _predicted(
    task: Task, known: Rarity, remedy: Remedy, settings: Settings, runs: Path, progress: bool
) -> Predictions:
    """Those of one training: from its folder if it is there, or else trained, going on where it was interrupted."""
    folder = runs / f"{remedy.name}-seed-{settings.seed}"
    path = folder / "validation.npz"
    if path.exists():
        return Predictions.read(path)
    changed = remedy.make(task, known, settings.seed)
    done = fit(changed, folder, settings, resume=(folder / STATE).exists(), progress=progress)
    if done.ending:
        raise UsageProblem(done.ending, "imbalance-diverged", "Give the task a smaller learning rate.")
    model = trained_model(task, folder / LAST)
    assert task.validation is not None
    found = predict(task, model, task.validation, name=remedy.name, seed=settings.seed, data_name="validation")
    found.write(path)
    return found


def _judged(chosen: Choice, predictions: tuple[Predictions, ...], known: Rarity, measure: Decided) -> Candidate:
    return Candidate(chosen, tuple(judge(each, chosen, known, measure) for each in predictions), predictions)
