"""A model's outputs and targets as logits of classes and class indexes, whatever loss the task was written for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import nn
from torch.utils.data import Subset

from seatrial.evaluation.predictions import Kind
from seatrial.practice.fitting.order import Share, evaluation_loader
from seatrial.practice.predicting.outputs import meaning, name_of
from seatrial.practice.predicting.predicting import outputs_of
from seatrial.practice.refusal import refused
from seatrial.practice.task import Task

Form: TypeAlias = Literal["logits", "log-probabilities", "probabilities"]
_LOOKED_AT = 256  # examples
_TINY = 1e-12  # below it a probability's logarithm is cut off
_IGNORED = -100  # torch's own default for targets that do not count
_HINT = "Imbalance is about classes: integers as targets and logits from the model, or 0 and 1 and one logit."


@dataclass(frozen=True, slots=True)
class Answers:
    """How to read them.

    kind      binary, multiclass or segmentation.
    classes   how many.
    form      what the model puts out.
    single    whether it puts out one figure, for class 1, instead of one a class.
    ignored   the target that does not count.
    """

    kind: Kind
    classes: int
    form: Form
    single: bool
    ignored: int = _IGNORED

    def logits(self, output: torch.Tensor) -> torch.Tensor:
        """(n, classes, ...) whose softmax are the probabilities."""
        if not self.single:
            return output.clamp_min(_TINY).log() if self.form == "probabilities" else output
        one = output.reshape(len(output), *output.shape[2:]) if output.ndim > 1 else output
        if self.form == "probabilities":
            return torch.stack([(1 - one).clamp_min(_TINY).log(), one.clamp_min(_TINY).log()], dim=1)
        return torch.stack([torch.zeros_like(one), one], dim=1)

    def indexes(self, targets: torch.Tensor) -> torch.Tensor:
        """(n, ...) class indexes."""
        if self.kind == "segmentation":
            dense = targets.squeeze(1) if self.single and targets.shape[1] == 1 else targets
            return dense.long()
        if targets.ndim == 2 and targets.shape[1] > 1:
            return targets.argmax(dim=1)
        return targets.reshape(-1).long()


def answers_of(task: Task) -> Answers:
    """How a task's outputs and targets are read.

    Raises:
        UsageProblem: it does not answer with classes.
    """
    count = min(_LOOKED_AT, len(task.train))  # pyright: ignore[reportArgumentType]
    outputs, targets = outputs_of(task, task.make().model, Subset(task.train, range(count)))  # pyright: ignore[reportArgumentType]
    means = meaning(outputs, targets, task.loss)
    if means.kind not in ("binary", "multiclass", "segmentation"):
        raise refused("a task whose answers are classes", f"a {means.kind} task", "imbalance-kind", _HINT)
    if targets.is_floating_point() and not bool(((targets == 0) | (targets == 1)).all()):
        raise refused("targets that are classes", "shares of classes", "imbalance-kind", _HINT)
    ignored = int(getattr(task.loss, "ignore_index", _IGNORED))
    if means.kind == "segmentation":
        single = outputs.shape[1] == 1
        shares = name_of(task.loss).startswith(("bceloss", "binarycrossentropy")) and "logits" not in name_of(task.loss)
        form: Form = "probabilities" if shares else "logits"
        return Answers("segmentation", 2 if single else outputs.shape[1], form, single, ignored)
    single = outputs.numel() == len(outputs)
    forms: dict[object, Form] = {torch.clone: "probabilities", torch.exp: "log-probabilities"}
    return Answers(
        means.kind, 2 if single else outputs.shape[1], forms.get(means.probabilities, "logits"), single, ignored
    )


def is_plain(task: Task, answers: Answers) -> bool:
    """Whether the task's loss is a plain cross-entropy, all classes alike: it has the value of one on a batch of all kinds."""
    from seatrial.practice.imbalance.losses import ClassLoss

    count = min(_LOOKED_AT, len(task.train))  # pyright: ignore[reportArgumentType]
    outputs, targets = outputs_of(task, task.make().model, Subset(task.train, range(count)))  # pyright: ignore[reportArgumentType]
    draw = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(0))
    if answers.form == "probabilities":
        outputs = draw.sigmoid() if answers.single else draw.softmax(dim=1)
    else:
        outputs = draw.log_softmax(dim=1) if answers.form == "log-probabilities" else draw
    try:
        given = torch.as_tensor(task.loss(outputs, targets))
    except (TypeError, ValueError, RuntimeError):  # it wants more than outputs and classes
        return False
    wanted = ClassLoss(answers, smoothing=smoothing_of(task))(outputs, targets)
    return given.shape == wanted.shape and bool(torch.isclose(given.detach().double(), wanted.double(), rtol=1e-4))


def smoothing_of(task: Task) -> float:
    """The label smoothing of a task's loss."""
    return float(getattr(task.loss, "label_smoothing", 0.0))


def count_classes(task: Task, data: object, answers: Answers) -> tuple[torch.Tensor, torch.Tensor | None]:
    """How many examples (pixels) each class has in some data, and the class of each example; None where pixels have classes."""
    counts = torch.zeros(answers.classes, dtype=torch.long)
    each: list[torch.Tensor] = []
    for batch in evaluation_loader(task, data, Share()):  # pyright: ignore[reportArgumentType]
        indexes = answers.indexes(task.split(batch)[1][0])
        if answers.kind != "segmentation":
            each.append(indexes)
        valid = indexes[indexes != answers.ignored]
        if len(valid) and not 0 <= int(valid.min()) <= int(valid.max()) < answers.classes:
            found = f"{int(valid.min())} to {int(valid.max())}"
            raise refused(f"classes from 0 to {answers.classes - 1}", found, "imbalance-classes", _HINT)
        counts += torch.bincount(valid, minlength=answers.classes)
    return counts, torch.cat(each) if each else None


def has_own_loss(task: Task) -> bool:
    """Whether the loss is apart from the model, so that another one can take its place."""
    return type(task).training_loss is Task.training_loss and (isinstance(task.loss, nn.Module) or callable(task.loss))
