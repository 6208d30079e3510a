"""A member of an ensemble: a file of what it has learnt, and what it says of the validation data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seatrial.evaluation.predictions import Predictions
from seatrial.practice.ensembles import linear, neighbours, trees
from seatrial.practice.fitting.checkpoints import trained_model
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.predicting.predicting import predict
from seatrial.practice.task import Data, Task

NETWORK, TREES, NEIGHBOURS, LINEAR = "network", "trees", "neighbours", "linear"
KINDS = (NETWORK, TREES, NEIGHBOURS, LINEAR)


@dataclass(frozen=True, slots=True)
class Member:
    """name         of its file, without the ending.
    kind         a "network" of the task, boosted "trees", nearest "neighbours" or a "linear" model.
    origin       where it comes from, in words.
    file         what it has learnt, as safetensors.
    predictions  of the validation data.
    """

    name: str
    kind: str
    origin: str
    file: Path
    predictions: Predictions


def network(task: Task, file: Path, device: torch.device | None = None) -> nn.Module:
    """The task's model with weights from a file, in evaluation mode.

    Raises:
        UsageProblem: they are no weights of it.
    """
    return trained_model(task, file).to(device or torch.device("cpu"))


def said_by(kind: str, task: Task, file: Path, data: Data, device: torch.device | None, **about: Any) -> Predictions:
    """What a member says of some data; `about`: as for `predict`.

    Raises:
        UsageProblem: the file or the data do not fit the task.
    """
    if kind == TREES:
        return trees.predict(task, file, data, **about)
    if kind == NEIGHBOURS:
        return neighbours.predict(task, file, data, **about)
    if kind == LINEAR:
        return linear.predict(task, file, data, **about)
    return predict(task, network(task, file, device), data, **about)


def device_for(settings: Settings) -> torch.device:
    """Where networks predict: where they are trained."""
    wanted = settings.accelerator
    if wanted in ("auto", "cuda", "gpu") and torch.cuda.is_available():
        return torch.device("cuda")
    if wanted in ("auto", "mps", "gpu") and torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")
