"""`cross_validate`: train a task on folds of its data and measure each training on the examples that it did not see.

Nothing of a fold that is tested on decides anything: the best epoch is chosen by a part of the others that is held out for it, and
of several candidates one is chosen anew for each fold, by folds within the others (nested).
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import Subset

from seatrial.errors import UsageProblem
from seatrial.files import replace as write_whole
from seatrial.numbers import decimal
from seatrial.practice.cross_validation.folds import Fold, Numbers, folds, held_out
from seatrial.practice.cross_validation.outcome import CrossValidation, Scored
from seatrial.practice.dividing import part_of
from seatrial.practice.fitting.checkpoints import STATE
from seatrial.practice.fitting.devices import machine
from seatrial.practice.fitting.fit import Fit, best_model, fit
from seatrial.practice.fitting.settings import LOSS, Settings
from seatrial.practice.fitting.subset import classes_of
from seatrial.practice.fitting.validation import validate
from seatrial.practice.identity import identity
from seatrial.practice.made import Made
from seatrial.practice.predicting.predicting import predict
from seatrial.practice.refusal import refused
from seatrial.practice.task import Data, Task
from seatrial.practice.unchanged import unchanged
from seatrial.report.json import strict

PLAN, DONE, PREDICTIONS = "cross-validation-plan.json", "measured.json", "predictions.npz"
HELD_OUT = 0.15  # of a training's examples, for choosing its best epoch
INNER = 3
Told = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Candidate:
    """What a person may choose: a task, and how it is trained."""

    task: Task
    settings: Settings


def cross_validate(
    task: Task,
    *,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    candidates: Mapping[str, Candidate | Settings | Task] | None = None,
    inner: int = INNER,
    settings: Settings | None = None,
    out: Path | None = None,
    resume: bool = False,
    progress: bool = True,
    told: Told = lambda words: None,
) -> CrossValidation:
    """Measure a task, or the choice among several candidates, by cross-validation.

    Args:
        task: its training data are divided, each class with its share, by its `groups` where it has them. Validation data of its own, if there
            are any, choose the best epoch in all folds; else 15 % of each training's examples are held out for that.
        folds, repeats: so many folds, drawn so many times; 5 times 2 is Alpaydin's design.
        seed: of the folds; trainings take those that follow `settings.seed`. The same seed gives other methods the same folds.
        candidates: settings or tasks by name: one is chosen anew for each fold, by `inner` folds of the others (nested).
        settings: how trainings go, and by `choose` what is measured: the loss, or a metric of the task.
        out: folder of all trainings and their predictions; they are not kept if nothing is given.
        resume: go on with what is in `out`.
        told: what is done, in words.

    Raises:
        UsageProblem: before anything is trained, if the data cannot be divided so or the task is not what it should be.
    """
    _check(task, candidates)
    chosen = replace(settings or Settings(), kept=0)
    methods = _methods(task, chosen, candidates)
    with tempfile.TemporaryDirectory() as scratch:
        run = _Run(task, chosen, methods, inner, seed, out or Path(scratch), resume, progress, told)
        return run.all(folds, repeats)


class _Run:
    """One cross-validation: what all of its trainings share."""

    def __init__(
        self,
        task: Task,
        settings: Settings,
        methods: dict[str, Candidate],
        inner: int,
        seed: int,
        out: Path,
        resume: bool,
        progress: bool,
        told: Told,
    ) -> None:
        self.task, self.settings, self.methods = task, settings, methods
        self.inner, self.seed, self.out, self.resume = inner, seed, out, resume
        self.progress, self.told = progress, told
        self.classes = classes_of(task)
        self.groups = None if task.groups is None else np.asarray(task.groups)
        self.count = len(task.train)  # pyright: ignore[reportArgumentType]

    def all(self, k: int, repeats: int) -> CrossValidation:
        """Each fold measured."""
        divided = folds(self.count, k, repeats=repeats, seed=self.seed, classes=self.classes, groups=self.groups)
        self._plan(k, repeats)
        found: list[Scored] = []
        for at, fold in enumerate(divided):
            found.append(self._fold(fold, at))
            chosen = f" ({found[-1].chosen})" if len(self.methods) > 1 else ""
            self.told(f"fold {at + 1} of {len(divided)}: {self.settings.choose} {decimal(found[-1].score)}{chosen}")
        return CrossValidation(
            self.task.name,
            self.settings.choose,
            self.settings.highest,
            k,
            repeats,
            self.seed,
            self.inner if len(self.methods) > 1 else 0,
            tuple(self.methods),
            tuple(found),
            self.groups is not None,
        )

    def _fold(self, fold: Fold, at: int) -> Scored:
        place = self.out / f"repeat-{fold.repeat}-fold-{fold.number}"
        name, inner = self._chosen(fold, place) if len(self.methods) > 1 else (next(iter(self.methods)), {})
        of = self.methods[name]
        learnt, chosen_by = self._for_epochs(of.task, fold.rest, fold.number)
        score, metrics = self._measured(of, learnt, chosen_by, fold.test, place / "outer", at)
        return Scored(fold.repeat, fold.number, len(fold.rest), len(fold.test), score, metrics, name, inner)

    def _chosen(self, fold: Fold, place: Path) -> tuple[str, dict[str, float]]:
        """The candidate that does best on folds within the rest, and the mean of each there."""
        classes = None if self.classes is None else self.classes[fold.rest]
        groups = None if self.groups is None else self.groups[fold.rest]
        within = folds(len(fold.rest), self.inner, seed=self.seed + 1 + fold.number, classes=classes, groups=groups)
        means: dict[str, float] = {}
        for number, (name, of) in enumerate(self.methods.items()):
            scores: list[float] = []
            for each in within:
                learnt, chosen_by = self._for_epochs(of.task, fold.rest[each.rest], each.number)
                folder = place / f"candidate-{number}-fold-{each.number}"
                scores.append(self._measured(of, learnt, chosen_by, fold.rest[each.test], folder, each.number)[0])
            means[name] = float(np.mean(scores))
        known = {name: mean for name, mean in means.items() if math.isfinite(mean)}
        if not known:
            hint = "Look at a training's report; a lower rate is the usual remedy."
            raise refused("a candidate whose trainings end", "none: all diverged", "cross-validation-diverged", hint)
        best = max(known, key=lambda name: known[name] if self.settings.highest else -known[name])
        return best, means

    def _for_epochs(self, task: Task, among: Numbers, seed: int) -> tuple[Numbers, Data]:
        """What a training learns from, and by what its best epoch is chosen."""
        if task.validation is not None:
            return among, task.validation
        learnt, chosen_by = held_out(among, HELD_OUT, self.seed + seed, self.classes, self.groups)
        return learnt, _subset(task, chosen_by)

    def _measured(
        self, of: Candidate, learnt: Numbers, chosen_by: Data, test: Numbers, folder: Path, at: int
    ) -> tuple[float, dict[str, float]]:
        """The figure of one training on examples that it did not see, and the others; nan where it diverged. Read, where it has been done."""
        if self.resume and (folder / DONE).exists():
            known = json.loads((folder / DONE).read_text())
            return float(known["score"]), {name: float(value) for name, value in known["metrics"].items()}
        part = part_of(of.task, learnt.tolist()).having(validation=chosen_by)
        settings = replace(of.settings, seed=of.settings.seed + at)
        goes_on = self.resume and (folder / STATE).exists()
        done = fit(part, folder, settings, resume=goes_on, progress=self.progress)
        loss, metrics = (math.nan, {}) if done.ending else _of_test(of.task, done, test, settings)
        score = loss if settings.choose == LOSS else metrics.get(settings.choose, math.nan)
        told = strict({"score": score, "metrics": metrics | {LOSS: loss}})
        write_whole(folder / DONE, json.dumps(told, indent=1, allow_nan=False).encode())
        return score, metrics | {LOSS: loss}

    def _plan(self, k: int, repeats: int) -> None:
        """What was asked for, written down: only the same is gone on with."""
        plan = strict(
            {
                "folds": k,
                "repeats": repeats,
                "seed": self.seed,
                "examples": self.count,
                "inner": self.inner,
                "settings": {name: asdict(each.settings) for name, each in self.methods.items()},
                "tasks": {name: identity(each.task) for name, each in self.methods.items()},
            }
        )
        file = self.out / PLAN
        before = json.loads(file.read_text()) if self.resume and file.exists() else plan
        if before != plan:
            hint = "Give the same arguments and the same task, or another folder."
            other = ", ".join(name for name in plan if before.get(name) != plan[name])
            found = f"another one ({other or 'written by another version'})"
            raise refused(f"the cross-validation that was begun in {self.out}", found, "cross-validation-plan", hint)
        if not self.resume and file.exists():
            hint = "Go on with it (--resume), or give another folder."
            raise refused("a folder for a new cross-validation", f"one in {self.out}", "cross-validation-folder", hint)
        self.out.mkdir(parents=True, exist_ok=True)
        write_whole(file, json.dumps(plan, indent=1, allow_nan=False).encode())


# ---- inner steps -----------------------------------------------------------------------------------------------------


def _check(task: Task, candidates: Mapping[str, Any] | None) -> None:
    others = [
        each.task if isinstance(each, Candidate) else each for each in (candidates or {}).values()
    ]  # settings have no task of their own
    if any(each.times is not None for each in (task, *others) if isinstance(each, Task)):
        hint = "Hold out the latest examples instead: validation=..., or a vault sealed by time."
        raise refused("examples that may be divided at random", "a task with times", "cross-validation-times", hint)
    if candidates is not None and len(candidates) < 2:
        hint = "Leave candidates out to measure one."
        raise refused("at least two candidates", str(len(candidates)), "cross-validation-candidates", hint)


def _methods(
    task: Task, settings: Settings, candidates: Mapping[str, Candidate | Settings | Task] | None
) -> dict[str, Candidate]:
    if candidates is None:
        return {task.name or "task": Candidate(task, settings)}
    found: dict[str, Candidate] = {}
    for name, each in candidates.items():
        of = Candidate(each, settings) if isinstance(each, Task) else each
        of = Candidate(task, of) if isinstance(of, Settings) else of
        same = replace(of.settings, choose=settings.choose, highest=settings.highest, kept=0)
        if len(of.task.train) != len(task.train):  # pyright: ignore[reportArgumentType]
            hint = "All candidates learn from the same examples in the same order."
            found_other = f"others of {name}"
            raise refused("the same training data for all candidates", found_other, "cross-validation-candidates", hint)
        found[name] = Candidate(of.task, same)
    return found


def _of_test(task: Task, done: Fit, test: Numbers, settings: Settings) -> tuple[float, dict[str, float]]:
    """Loss and metrics of a training's best epoch, and its predictions beside it where their kind is known."""
    data = _subset(task, test)
    with unchanged(), machine(settings, task.batch_size) as devices:
        model = best_model(task, done)
        made = devices.ready(Made(model, task.make().loss, None))  # pyright: ignore[reportArgumentType]  # nothing is trained
        found = validate(task, made, data, devices)
        try:
            predict(task, model, data, seed=settings.seed).write(done.folder / PREDICTIONS)
        except UsageProblem:
            (done.folder / PREDICTIONS).unlink(missing_ok=True)
    return found


def _subset(task: Task, numbers: Numbers) -> Data:
    return Subset(task.train, numbers.tolist())  # pyright: ignore[reportArgumentType]
