"""Does the recommended remedy help? Digits, one eight in a hundred, ten seeds: balanced accuracy on test data that chose nothing.

    python benchmarks/imbalance.py [--seeds 10] [--epochs 20]

The remedy is what `recommend(task)` says before any training, from general evidence; nothing here was tuned. Each seed has a split, initial
weights and an order of its own, the same ones for all that is compared. Of 5,000 pictures of MNIST (benchmarks/tasks/imbalanced_digits.py)
three fifths of the thinned ones are trained on and one fifth validates; the rest tests, and with it the eights that were thinned out
(recall is what they measure, and balanced accuracy does not depend on how many there are). About four minutes on one core.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Subset, TensorDataset

from seatrial import Task
from seatrial.evaluation.comparison.seeds import difference
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.thresholds.decisions import METRICS, confusion, recalls
from seatrial.evaluation.thresholds.moving import adjusted, moved
from seatrial.practice.fitting.checkpoints import LAST, load_weights
from seatrial.practice.fitting.fit import fit
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.imbalance.general import recommend, remedied
from seatrial.practice.imbalance.rarity import rarity
from seatrial.practice.predicting.predicting import predict

HERE = Path(__file__).parent
BALANCED = METRICS["balanced-accuracy"]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=10)
    arguments.add_argument("--epochs", type=int, default=20)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    sys.path.insert(0, str(HERE))
    module = importlib.import_module("tasks.imbalanced_digits")
    begin = time.monotonic()
    found: dict[str, list[np.ndarray]] = {}
    for seed in range(given.seeds):
        task, test = divided(module, seed)
        name = recommend(task).name
        for label, table in one_seed(task, test, name, given.epochs, seed).items():
            found.setdefault(label, []).append(table)
        said = ", ".join(f"{label} {float(BALANCED.of(tables[-1])):.3f}" for label, tables in found.items())
        print(f"seed {seed}: {said} ({time.monotonic() - begin:.0f} s)", flush=True)
    print_table(found, name)


def divided(module: object, seed: int) -> tuple[Task, TensorDataset]:
    """The task with training and validation data, and the test data."""
    draw = np.random.default_rng(seed)
    labels = module.is_eight.numpy()
    parts: list[list[int]] = [[], [], []]
    for each in (0, 1):
        numbers = draw.permutation(np.flatnonzero(labels == each))
        for part, chosen in zip(parts, np.split(numbers, [3 * len(numbers) // 5, 4 * len(numbers) // 5]), strict=True):
            part.extend(chosen.tolist())
    data = module.task.train
    spare = torch.tensor(module.values[module.eights[len(module.others) // 100 :]] / 255.0, dtype=torch.float32)
    spare = torch.nn.functional.avg_pool2d(spare.reshape(-1, 1, 28, 28), 2)
    pictures, classes = (torch.stack(each) for each in zip(*(data[at] for at in parts[2]), strict=True))
    test = TensorDataset(torch.cat([pictures, spare]), torch.cat([classes, torch.ones(len(spare), dtype=torch.long)]))
    return module.task.having(train=Subset(data, parts[0]), validation=Subset(data, parts[1])), test


def one_seed(task: Task, test: TensorDataset, name: str, epochs: int, seed: int) -> dict[str, np.ndarray]:
    """Confusion matrices on the test data."""
    known = rarity(task)
    plain, validated = trained(task, task, test, epochs, seed)
    threshold = moved(validated, BALANCED)
    return {
        "plain cross-entropy": table(plain, plain.labels),
        name: answers_of(task, name, test, epochs, seed),
        "plain, adjusted afterwards": table(plain, adjusted(plain, known.shares)),
        "plain, threshold of validation": table(plain, threshold.answers(plain)),
    }


def answers_of(task: Task, name: str, test: TensorDataset, epochs: int, seed: int) -> np.ndarray:
    found, _ = trained(task, remedied(task, name, seed), test, epochs, seed)
    return table(found, found.labels)


def trained(task: Task, changed: Task, test: TensorDataset, epochs: int, seed: int) -> tuple[Predictions, Predictions]:
    """What the last weights of a training say of test and validation data."""
    with tempfile.TemporaryDirectory() as folder:
        fit(changed, Path(folder), Settings(epochs, 0, seed=seed, kept=0, save_seconds=1e9), progress=False)
        model = task.make().model
        load_weights(model, Path(folder) / LAST)
    return predict(task, model, test), predict(task, model, task.validation)


def table(predictions: Predictions, answers: np.ndarray) -> np.ndarray:
    return confusion(predictions.targets, answers, 2)


def print_table(found: dict[str, list[np.ndarray]], name: str) -> None:
    plain = [float(BALANCED.of(each)) for each in found["plain cross-entropy"]]
    print(f"\n{'':32}balanced accuracy   recall of 8   accuracy at 1:100   difference to plain (95 % interval)")
    for label, tables in found.items():
        values = [float(BALANCED.of(each)) for each in tables]
        each_class = np.mean([recalls(each) for each in tables], axis=0)
        natural = each_class @ [100 / 101, 1 / 101]
        gap = difference(values, plain)
        said = "" if label == "plain cross-entropy" else f"{gap.mean:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})"
        print(f"{label:32}{np.mean(values):.3f} +- {np.std(values, ddof=1):.3f}      {each_class[1]:.3f}         {natural:.3f}               {said}")  # fmt: skip
    gap = difference([float(BALANCED.of(each)) for each in found[name]], plain)
    print(
        f"\n{name} (recommended) {'beats' if gap.low > 0 else 'is not shown to beat'} plain cross-entropy over {gap.seeds} seeds"
    )


if __name__ == "__main__":
    main()
