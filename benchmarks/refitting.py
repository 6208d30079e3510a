"""Does it help to learn anew from the validation data too, once all is chosen? On splits of the six tasks of benchmarks/practice.py.

    python benchmarks/refitting.py [--splits 3] [NAME...]

Of each split a fifth is test data (of the series: the latest fifth of its first 70, 85, 100 % ...), and 15 % of the rest validation data. An
ensemble of two trainings and classical models is chosen, and then learns anew as `seatrial practice` lets it. Prints, for each task, its loss and error on
the test data before and after, as means over splits, and the ratio of the losses (geometric mean, with the smallest and the largest). Half a minute a split.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from practice import TASKS, module_of
from torch.utils.data import Subset

from seatrial import Task
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.voting.losses import error, loss
from seatrial.practice.dividing import part_of, set_apart
from seatrial.practice.ensembles.ensemble import CLASSICAL, SEEDS, ensemble
from seatrial.practice.ensembles.refitting import Recipe, refit
from seatrial.practice.fitting.checkpoints import load_state
from seatrial.practice.fitting.settings import Settings

TEST, VALIDATION = 0.2, 0.15
EARLIEST = 0.7  # share of a series


def measured(task: Task, split: int, of: int, folder: Path) -> tuple[Predictions, Predictions]:
    """What an ensemble says of test data, before and after it has learnt anew."""
    if task.times is not None:
        share = 1 - (1 - EARLIEST) * split / max(1, of - 1)
        order = np.argsort(np.asarray(task.times), kind="stable")
        task = part_of(task, sorted(order[: round(share * len(order))].tolist()))
    left, test = set_apart(task, TEST, 1000 + split)
    whole = part_of(task, left)
    training, held_out = set_apart(whole, VALIDATION, split)
    given: Any = whole.train
    divided = part_of(whole, training).having(validation=Subset(given, held_out))
    settings = Settings(patience=0, schedule="cosine", kept=0, accelerator="cpu", seed=100 * split)
    groups = None if whole.groups is None else np.asarray(whole.groups)[held_out]
    made = ensemble(
        divided, folder / "first", settings, members=2, kinds=(SEEDS, CLASSICAL), groups=groups, progress=False
    ).ensemble
    recipes = {}
    for seed in (settings.seed, settings.seed + 1):
        best = load_state(folder / "first" / "trainings" / f"seed-{seed}")["best"]
        recipes[f"seed-{seed}"] = Recipe(whole, replace(settings, seed=seed, until=best))
    last, stay = refit(made, recipes, whole, folder / "last", progress=False)
    for each in stay:
        print(f"  {each}", flush=True)
    tested: Any = Subset(task.train, test)  # pyright: ignore[reportArgumentType]
    return made.predict(tested), last.predict(tested)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    print(f"{'task':20}{'loss before':>12}{'after':>9}{'error before':>14}{'after':>9}{'ratio of losses':>18}")
    ratios: list[float] = []
    for name in arguments.names or TASKS:
        found = []
        for split in range(arguments.splits):
            with tempfile.TemporaryDirectory() as folder:
                found.append(measured(module_of(name).task, split, arguments.splits, Path(folder)))
        losses = np.array([[loss(each) for each in both] for both in found])
        errors = np.array([[error(each) for each in both] for both in found]).mean(axis=0)
        ratio = losses[:, 1] / losses[:, 0]
        ratios.append(float(np.exp(np.log(ratio).mean())))
        before, after = losses.mean(axis=0)
        print(
            f"{name:20}{before:12.4f}{after:9.4f}{errors[0]:14.4f}{errors[1]:9.4f}"
            f"{ratios[-1]:8.3f} ({ratio.min():.3f} to {ratio.max():.3f})",
            flush=True,
        )
    print(f"geometric mean of the ratios over tasks: {np.exp(np.mean(np.log(ratios))):.3f}")


if __name__ == "__main__":
    main()
