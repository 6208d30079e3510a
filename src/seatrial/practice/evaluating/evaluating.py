"""The evaluation of a task's trained models, and the files that it leaves: the predictions, the figures, a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from seatrial.evaluation.evaluation import Evaluation
from seatrial.evaluation.predictions import Predictions
from seatrial.files import replace
from seatrial.practice.fitting.checkpoints import trained_model
from seatrial.practice.predicting.predicting import predict
from seatrial.practice.refusal import refused
from seatrial.practice.task import Data, Task
from seatrial.report.json import strict

PREDICTIONS, FIGURES, PAGE = "predictions.npz", "evaluation.json", "evaluation.html"
# Parts of a task's data, and what must be known of figures on them.
PARTS = {
    "validation": "Where these data have chosen weights or settings, the figures are somewhat too good: `seatrial practice` measures once, on "
    "sealed test data.",
    "train": "The model was trained on these examples: the figures say what was learnt by heart, not how well it does on others.",
}


def predicted(task: Task, weights: Sequence[Path], on: str = "validation", name: str = "") -> list[Predictions]:
    """What models of a task with such weights, one a training, say of a part of its data. Its vault stays shut.

    Args:
        on: "validation" or "train".
        name: the model's, for tables and reports; the task's if nothing is given.

    Raises:
        UsageProblem: the task has no such data, or they are no weights of its model.
    """
    data = part(task, on)
    found: list[Predictions] = []
    for number, path in enumerate(weights):
        found.append(
            predict(
                task, trained_model(task, path), data, name=name or task.name, seed=number, data_name=f"the {on} data"
            )
        )
    return found


def part(task: Task, on: str) -> Data:
    """The data of that name.

    Raises:
        UsageProblem: there are none.
    """
    if on not in PARTS:
        hint = (
            "Sealed test data are opened by `seatrial practice`, or by `seatrial vault open`, never by an evaluation."
        )
        raise refused(f"--on {' or '.join(PARTS)}", repr(on), "evaluate-on", hint)
    data = task.validation if on == "validation" else task.train
    if data is None:
        hint = "Give the task validation=, or evaluate --on train to see what was learnt by heart."
        raise refused("a task with validation data", "none", "evaluate-no-validation", hint)
    return data


def write(evaluation: Evaluation, trainings: Sequence[Predictions], folder: Path) -> None:
    """Leave the predictions (predictions.npz, or predictions-1.npz, ... of several trainings), evaluation.json and evaluation.html."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(trainings, 1):
        each.write(folder / (PREDICTIONS if len(trainings) == 1 else f"predictions-{number}.npz"))
    data = strict(evaluation.as_data())
    replace(folder / FIGURES, (json.dumps(data, indent=1, allow_nan=False) + "\n").encode())
    replace(folder / PAGE, evaluation.page().encode("utf-8", "replace"))
