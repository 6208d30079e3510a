"""Is the chosen ensemble better than the best member, and is what it promises true? On splits of three data sets of scikit-learn, with test
data that chose nothing.

    python benchmarks/ensembles.py [--splits 6] [--seconds 280]

For each split (60 % training, 20 % validation, 20 % test) `ensemble` makes three trainings with other seeds, gradient boosting and nearest
neighbours. The table has, as means over splits with their standard error: the test loss of the member that was best on validation, of
equal votes, and of the chosen ensemble; and what validation said of the chosen one, naively and on
examples that chose nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from torch import nn
from torch.utils.data import TensorDataset

from seatrial import Task
from seatrial.evaluation.voting.losses import loss
from seatrial.evaluation.voting.votes import soft
from seatrial.practice.ensembles.ensemble import ensemble
from seatrial.practice.ensembles.member import said_by
from seatrial.practice.fitting.settings import Settings

SETS = {"digits": load_digits, "breast cancer": load_breast_cancer, "diabetes": load_diabetes}
HEADS = ("best member", "equal votes", "chosen", "promised naively", "promised honestly")


def parts(name: str, split: int) -> tuple[list[TensorDataset], int]:
    """Training, validation and test data, standardised; and the outputs of a network."""
    values, targets = SETS[name](return_X_y=True)
    order = np.random.default_rng(split).permutation(len(values))
    cuts = np.split(order, [int(0.6 * len(order)), int(0.8 * len(order))])
    mean, scale = values[cuts[0]].mean(0), values[cuts[0]].std(0)
    scale[scale == 0] = 1.0  # a pixel that is always white
    x = torch.tensor((values - mean) / scale, dtype=torch.float32)
    if name == "diabetes":
        y = torch.tensor((targets - targets.mean()) / targets.std(), dtype=torch.float32)[:, None]
        return [TensorDataset(x[cut], y[cut]) for cut in cuts], 1
    y = torch.tensor(targets)
    return [TensorDataset(x[cut], y[cut]) for cut in cuts], int(y.max()) + 1


def measured(name: str, split: int, folder: Path) -> list[float]:
    """The figures of one split."""
    (train, validation, test), outputs = parts(name, split)

    def model() -> nn.Module:
        return nn.Sequential(nn.Linear(train.tensors[0].shape[1], 64), nn.ReLU(), nn.Linear(64, outputs))

    given = nn.MSELoss() if outputs == 1 else nn.CrossEntropyLoss()
    task = Task(model, given, train, validation=validation, name=name)
    settings = Settings(epochs=20, kept=0, accelerator="cpu", seed=100 * split)
    made = ensemble(task, folder, settings, members=3, kinds=("seeds", "classical"), progress=False)
    on_test = [said_by(each.kind, task, each.file, test, None) for each in made.members]
    best = int(np.argmin([loss(each.predictions) for each in made.members]))
    chosen = made.choice.chosen
    tested = made.ensemble.predict(test)
    return [loss(on_test[best]), loss(soft(on_test)), loss(tested), chosen.loss, made.choice.promised]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--splits", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=280)
    given = parser.parse_args()
    end = time.monotonic() + given.seconds
    rows: dict[str, list[list[float]]] = {name: [] for name in SETS}
    for split in range(given.splits):
        for name in SETS:
            if time.monotonic() < end:
                with tempfile.TemporaryDirectory() as folder:
                    rows[name].append(measured(name, split, Path(folder) / "e"))
    print(f"{'':24}" + "".join(f"{head:>22}" for head in HEADS))
    for name, found in rows.items():
        values = np.array(found)
        error = values.std(0, ddof=1) / np.sqrt(len(values))
        cells = "".join(f"{mean:14.4f} ± {each:.4f}" for mean, each in zip(values.mean(0), error, strict=True))
        wins = int((values[:, 2] < values[:, 0]).sum())
        print(
            f"{name + f' ({len(values)} splits)':24}{cells}   chosen better than the best member: {wins} of {len(values)}"
        )


if __name__ == "__main__":
    main()
