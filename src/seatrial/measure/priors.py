"""What the best constant prediction is in closed form, for the losses of torch that have one.

Each minimises the mean of its loss over the targets: frequencies for a logarithmic score (Gneiting & Raftery 2007,
section 3), the mean for a squared error, a median for an absolute error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

# The logarithm that stands for that of a frequency of zero: finite, so that zero times it is zero.
_LEAST = 1e-300


@dataclass(frozen=True, slots=True)
class Prior:
    """`form(free)` is the answer; `free` numbers (float64) have the shape of outputs, with length 1 on shared axes.
    `what` the answer is, in words."""

    what: str
    free: Tensor
    form: Callable[[Tensor], Tensor]


def prior(op: str, shape: tuple[int, ...], targets: Tensor, settings: Mapping[str, Any]) -> Prior | None:
    """The best constant prediction of a loss, or None where no closed form is known (or targets do not fit).

    `shape` of the predictions that the loss takes; `settings` are its keyword arguments (weight, ignore_index,
    label_smoothing, pos_weight, log_input)."""
    if not targets.numel() or not shape or targets.is_complex():
        return None
    match op:
        case "cross_entropy" | "nll_loss" | "nll_loss_nd" | "kl_div":
            return _classes(op, shape, targets, settings)
        case "binary_cross_entropy" | "binary_cross_entropy_with_logits":
            return _binary(op, shape, targets, settings)
        case "mse_loss" | "l1_loss" | "huber_loss" | "smooth_l1_loss" | "poisson_nll_loss":
            return _number(op, shape, targets, settings) if tuple(targets.shape) == shape else None
        case _:
            return None


def own_answers(op: str, shape: tuple[int, ...], targets: Tensor, settings: Mapping[str, Any]) -> Tensor | None:
    """The predictions of a shape (float64) that suit each target best: no network comes below their loss. None where that loss
    is 0, or not known: only targets that are uncertain themselves leave a loss that nobody can avoid."""
    if not targets.numel() or targets.is_complex():
        return None
    if op == "cross_entropy":
        return _own_classes(shape, targets, settings)
    if not targets.is_floating_point() or tuple(targets.shape) != shape:
        return None
    values = targets.detach().double()
    match op:
        case "binary_cross_entropy":
            return values
        case "binary_cross_entropy_with_logits":
            weight = settings.get("pos_weight")
            positive = values * weight.detach().double() if isinstance(weight, Tensor) else values
            return torch.log(positive.clamp_min(1e-30)) - torch.log((1 - values).clamp_min(1e-30))
        case "poisson_nll_loss":
            return torch.log(values.clamp_min(_LEAST)) if settings.get("log_input", True) else values
        case _:
            return None


def _own_classes(shape: tuple[int, ...], targets: Tensor, settings: Mapping[str, Any]) -> Tensor | None:
    smoothing = float(settings.get("label_smoothing") or 0.0)
    if isinstance(settings.get("weight"), Tensor) or len(shape) < 2:
        return None
    if targets.is_floating_point():
        likely = targets.detach().double()
    elif smoothing > 0 and tuple(targets.shape) == (shape[0], *shape[2:]):
        labels = targets.detach().long().clamp(0, shape[1] - 1)  # those that are ignored have any
        likely = torch.nn.functional.one_hot(labels, shape[1]).movedim(-1, 1).double()
    else:
        return None
    if tuple(likely.shape) != shape:
        return None
    return torch.log(((1 - smoothing) * likely + smoothing / shape[1]).clamp_min(_LEAST))


def _classes(op: str, shape: tuple[int, ...], targets: Tensor, settings: Mapping[str, Any]) -> Prior | None:
    axis = 1 if len(shape) > 1 else 0
    if op == "kl_div":
        axis = len(shape) - 1
    masses = _masses(op, shape, axis, targets, settings)
    if masses is None or not masses.sum() > 0:
        return None
    weight = settings.get("weight")
    if isinstance(weight, Tensor):
        masses = masses * weight.detach().to(masses)
    free = torch.log((masses / masses.sum()).clamp_min(_LEAST))
    free = free.reshape([shape[axis] if at == axis else 1 for at in range(len(shape))])

    def normalised(free: Tensor) -> Tensor:
        return torch.log_softmax(free, axis)

    return Prior("class frequencies", free, torch.clone if op == "cross_entropy" else normalised)


def _masses(op: str, shape: tuple[int, ...], axis: int, targets: Tensor, settings: Mapping[str, Any]) -> Tensor | None:
    """What part of the targets falls to each class (unnormalised)."""
    classes = shape[axis]
    if targets.is_floating_point():
        if tuple(targets.shape) != shape or op.startswith("nll"):
            return None
        soft = targets.detach().double()
        soft = soft.exp() if op == "kl_div" and settings.get("log_target") else soft
        masses = soft.movedim(axis, -1).reshape(-1, classes).sum(0)
    elif op == "kl_div":
        return None
    else:
        labels = targets.detach().reshape(-1).long()
        labels = labels[labels != settings.get("ignore_index", -100)]
        if not len(labels) or int(labels.min()) < 0 or int(labels.max()) >= classes:
            return None
        masses = torch.bincount(labels, minlength=classes).double()
    smoothing = float(settings.get("label_smoothing") or 0.0) if op == "cross_entropy" else 0.0
    return (1 - smoothing) * masses + smoothing * masses.sum() / classes


def _binary(op: str, shape: tuple[int, ...], targets: Tensor, settings: Mapping[str, Any]) -> Prior | None:
    if tuple(targets.shape) != shape:
        return None
    positive = targets.detach().double()
    negative = 1 - positive
    if isinstance(settings.get("pos_weight"), Tensor):
        positive = positive * settings["pos_weight"].detach().double()
    if isinstance(settings.get("weight"), Tensor):
        weight = settings["weight"].detach().double()
        positive, negative = positive * weight, negative * weight
    # A frequency of 0 or 1 has no finite logit; torch cuts logarithms off at -100.
    ones, zeros = (part.sum(0, keepdim=True).clamp_min(1e-30) for part in (positive, negative))
    free = torch.log(ones) - torch.log(zeros)
    return Prior("frequencies", free, torch.sigmoid if op == "binary_cross_entropy" else torch.clone)


def _number(op: str, shape: tuple[int, ...], targets: Tensor, settings: Mapping[str, Any]) -> Prior | None:
    values = targets.detach().double()
    if not torch.isfinite(values).all():
        return None
    mean = values.mean(0, keepdim=True)
    if op == "mse_loss":
        return Prior("mean", mean, torch.clone)
    if op == "poisson_nll_loss":
        if settings.get("log_input", True):
            return Prior("logarithm of the mean", torch.log(mean.clamp_min(_LEAST)), torch.clone)
        return Prior("mean", mean, torch.clone)
    median = torch.quantile(values, 0.5, dim=0, keepdim=True)
    # Huber's loss has no closed form: a start, from which it is fitted.
    return Prior("median" if op == "l1_loss" else "", median, torch.clone)
