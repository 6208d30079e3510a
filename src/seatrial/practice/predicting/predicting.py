"""A task's model over some data: its predictions, in evaluation mode and without a trace in the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import Subset

from seatrial.evaluation.predictions import Kind, Predictions
from seatrial.practice.fitting.order import Share, evaluation_loader
from seatrial.practice.made import Made
from seatrial.practice.predicting.outputs import Meaning, meaning, name_of
from seatrial.practice.refusal import failed, refused, shown
from seatrial.practice.task import Data, Task
from seatrial.practice.trying import on_device
from seatrial.practice.unchanged import unchanged

_IGNORED = -100  # torch's own default for targets that do not count


def predict(
    task: Task,
    model: nn.Module,
    data: Data,
    *,
    name: str = "",
    seed: int = 0,
    data_name: str = "",
    groups: NDArray[Any] | None = None,
) -> Predictions:
    """What a model of a task says of some data.

    Args:
        model: a trained one (see `seatrial.practice.fitting.fit.best_model`); it is in the same mode afterwards.
        data: of the same form as the task's training data.
        name, seed, data_name: for the table, see `Predictions`.
        groups: (n,) of the examples.

    Raises:
        UsageProblem: the task's own code fails, or outputs and targets are of no known kind.
    """
    outputs, targets = outputs_of(task, model, data)
    ids = ids_of(data)
    means = meaning(outputs, targets, task.loss)
    scores, found = _table(means, outputs, targets, task)
    return Predictions(means.kind, found, scores, ids, groups, (), name or task.name, seed, data_name)


def outputs_of(task: Task, model: nn.Module, data: Data) -> tuple[torch.Tensor, torch.Tensor]:
    """The outputs (n, ...) and the first targets (n, ...) of some data, on the CPU.

    Raises:
        UsageProblem: the task's own code fails, or its outputs are no tensors.
    """
    made = Made(model, task.loss, None)  # pyright: ignore[reportArgumentType]  # nothing is trained here
    modes = [(module, module.training) for module in model.modules()]
    found: list[tuple[torch.Tensor, torch.Tensor]] = []
    with unchanged(), torch.no_grad():
        model.eval()
        try:
            for number, batch in enumerate(evaluation_loader(task, data, Share())):
                found.append(_one(task, made, on_device(batch, made), number))
        except RuntimeError as error:
            raise failed("Predicting", error, "The model gets the inputs of some examples at once.") from error
        finally:
            for module, training in modes:
                module.training = training
    outputs, targets = zip(*found, strict=True)
    return torch.cat(outputs), torch.cat(targets)


def targets_of(kind: Kind, targets: torch.Tensor) -> NDArray[Any]:
    """Targets of a task as `Predictions` wants them, of any kind but segmentation."""
    if kind == "regression":
        return targets.double().squeeze(-1).numpy()
    if kind == "multilabel":
        return targets.long().numpy()
    classes = targets.argmax(dim=1) if targets.ndim == 2 and targets.shape[1] > 1 else targets.reshape(-1)
    return classes.long().numpy()


def _one(task: Task, made: Made, batch: Any, number: int) -> tuple[torch.Tensor, torch.Tensor]:
    output = task.evaluate(made, batch, number).output
    targets = task.split(batch)[1]
    if not isinstance(output, torch.Tensor) or not targets or not isinstance(targets[0], torch.Tensor):
        hint = "Predictions need one tensor from the model, and one of targets, for a batch."
        pair = f"{shown(output)} for targets {shown(targets)}"
        raise refused("outputs and targets that are tensors", pair, "predict-outputs", hint)
    return output.detach().cpu(), targets[0].detach().cpu()


# ---- inner steps -------------------------------------------------------------------------------------------------


def _table(
    means: Meaning, outputs: torch.Tensor, targets: torch.Tensor, task: Task
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Scores and targets as `Predictions` wants them."""
    if means.kind == "segmentation":
        counts = _confusions(outputs, targets, _ignored(task.loss))
        return counts, counts.sum(axis=2)
    values = outputs.double() if means.probabilities is None else means.probabilities(outputs.double())
    found = targets_of(means.kind, targets)
    if means.kind == "regression":
        return values.reshape(targets.shape).squeeze(-1).numpy(), found
    if means.kind in ("multilabel", "multiclass"):
        return values.numpy(), found
    positive = values[:, 1] if values.ndim == 2 and values.shape[1] == 2 else values.reshape(-1)
    return positive.numpy(), found


def _confusions(outputs: torch.Tensor, targets: torch.Tensor, ignored: int) -> NDArray[np.int64]:
    """(n, classes, classes) how often which class was taken for which, for each example."""
    if outputs.shape[1] == 1:  # one logit, or one probability, a pixel
        logits = bool((outputs < 0).any() or (outputs > 1).any())
        answers, classes = (outputs[:, 0] > (0.0 if logits else 0.5)).long(), 2
    else:
        answers, classes = outputs.argmax(dim=1), outputs.shape[1]
    true = targets.reshape(answers.shape).long()
    counts = [
        torch.bincount((t * classes + a)[t != ignored].reshape(-1), minlength=classes * classes)
        for t, a in zip(true, answers, strict=True)
    ]
    return torch.stack(counts).reshape(-1, classes, classes).numpy()


def _ignored(loss: Any) -> int:
    """The target that does not count."""
    return int(getattr(loss, "ignore_index", _IGNORED)) if "entropy" in name_of(loss) else _IGNORED


def ids_of(data: Any) -> NDArray[np.int64]:
    """The number of each example in the data that all subsets were taken from."""
    if isinstance(data, Subset):
        return ids_of(data.dataset)[np.asarray(data.indices, dtype=np.int64)]
    return np.arange(len(data))
