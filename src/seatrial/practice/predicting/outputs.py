"""What a model's outputs mean: which kind of answer they are, told by targets, loss and the values themselves, and their probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from seatrial.evaluation.predictions import Kind
from seatrial.practice.refusal import refused, shown

# By the name of the loss, a class of torch.nn or a function of torch.nn.functional, without underscores.
_REGRESSION = frozenset({"mseloss", "l1loss", "smoothl1loss", "huberloss", "gaussiannllloss", "poissonnllloss"})
_LOGITS = frozenset({"crossentropy", "crossentropyloss", "bcewithlogitsloss", "binarycrossentropywithlogits"})
_PROBABILITIES = frozenset({"bceloss", "binarycrossentropy"})
_LOG_PROBABILITIES = frozenset({"nllloss"})
_ONE_OF_ALL = frozenset({"crossentropy", "crossentropyloss", "nllloss"})
# Rows of probabilities add up to 1 within this, in single precision over some thousand classes.
_NEAR = 1e-3
_HINT = "Models answer with a tensor for each example: logits of classes (n, classes), or values like the targets."


@dataclass(frozen=True, slots=True)
class Meaning:
    """The kind of answer, and how probabilities come from outputs; None: the outputs are the answer."""

    kind: Kind
    probabilities: Callable[[torch.Tensor], torch.Tensor] | None = None


def meaning(outputs: torch.Tensor, targets: torch.Tensor, loss: Any) -> Meaning:
    """What outputs mean.

    Args:
        outputs: (n, ...) of some examples, the more the surer.
        targets: (n, ...) theirs.
        loss: that the model was trained with.

    Raises:
        UsageProblem: outputs and targets are of no kind that is known.
    """
    name = name_of(loss)
    counted = not targets.is_floating_point()
    if name.replace("loss", "") in {each.replace("loss", "") for each in _REGRESSION}:
        return _regression(outputs, targets)
    if counted and outputs.ndim >= 3 and targets.shape == (outputs.shape[0], *outputs.shape[2:]):
        return Meaning("segmentation")
    if outputs.ndim >= 4 and outputs.shape[1] == 1 and outputs.shape[2:] == targets.shape[-outputs.ndim + 2 :]:
        return Meaning("segmentation")
    if outputs.ndim == 2 and outputs.shape[1] > 1 and counted and targets.numel() == len(outputs):
        return Meaning(_of_classes(outputs.shape[1]), _over_classes(outputs, name))
    if outputs.shape == targets.shape and outputs.ndim == 2 and outputs.shape[1] > 1 and _is_zero_one(targets):
        if name in _ONE_OF_ALL:  # class probabilities or one-hot vectors as targets
            return Meaning(_of_classes(outputs.shape[1]), _over_classes(outputs, name))
        return Meaning("multilabel", _of_each(outputs, name))
    if outputs.numel() == len(outputs) == targets.numel() and _is_zero_one(targets):
        return Meaning("binary", _of_each(outputs, name))
    return _regression(outputs, targets)


def name_of(loss: Any) -> str:
    """A loss's own name in small letters without underscores: `crossentropyloss`, `msel...`; its class's where it is a module."""
    while isinstance(loss, partial):
        loss = loss.func
    name = type(loss).__name__ if isinstance(loss, nn.Module) else getattr(loss, "__name__", "")
    return name.replace("_", "").lower()


# ---- inner steps -------------------------------------------------------------------------------------------------


def _of_classes(count: int) -> Kind:
    return "binary" if count == 2 else "multiclass"


def _regression(outputs: torch.Tensor, targets: torch.Tensor) -> Meaning:
    if outputs.numel() != targets.numel() or not outputs.is_floating_point():
        raise refused(
            "outputs that fit the targets", f"{shown(outputs)} for {shown(targets)}", "predict-outputs", _HINT
        )
    return Meaning("regression")


def _over_classes(outputs: torch.Tensor, name: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """Probabilities over classes (axis 1). Where the loss does not tell what outputs are, their values do."""
    softmax = partial(torch.softmax, dim=1)
    if name in _LOGITS:
        return softmax
    if name in _LOG_PROBABILITIES or _sums_to_one(outputs.exp()):
        return torch.exp
    return torch.clone if _sums_to_one(outputs) else softmax


def _of_each(outputs: torch.Tensor, name: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """Probabilities of single answers."""
    if name in _PROBABILITIES or (name not in _LOGITS and bool(((outputs >= 0) & (outputs <= 1)).all())):
        return torch.clone
    return torch.sigmoid


def _sums_to_one(values: torch.Tensor) -> bool:
    return bool((values >= 0).all() and ((values.double().sum(dim=1) - 1).abs() < _NEAR).all())


def _is_zero_one(targets: torch.Tensor) -> bool:
    return bool(((targets == 0) | (targets == 1)).all())
