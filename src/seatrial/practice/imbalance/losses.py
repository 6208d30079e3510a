"""Losses that know how rare a class is. Each is a mean over the batch, and on average over the data of the size of the plain one:
the learning rate keeps its meaning."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from seatrial.practice.imbalance.answers import Answers

GAMMA = 2.0  # of the focal loss: the paper's choice
BETA = 0.999  # of the effective number: the middle of the paper's
_SMOOTH = 1e-6
_SURE = 1e-12  # 1 - p, below which the slope of its power could be infinite


def inverse_frequency(counts: NDArray[Any]) -> NDArray[np.float64]:
    """(classes,) weights 1 / n, so that their mean over all examples is 1 (King & Zeng 2001; as scikit-learn's "balanced"); 0 for
    a class without examples."""
    return _scaled(np.divide(1.0, counts, out=np.zeros(len(counts)), where=counts > 0), counts)


def effective_number(counts: NDArray[Any], beta: float = BETA) -> NDArray[np.float64]:
    """(classes,) weights (1 - beta) / (1 - beta^n), so that their mean over all examples is 1 (Cui et al., "Class-balanced loss
    based on effective number of samples", 2019, equation 4): examples of a large class repeat one another."""
    effective = -np.expm1(counts * np.log(beta)) / (1 - beta)
    return _scaled(np.divide(1.0, effective, out=np.zeros(len(counts)), where=counts > 0), counts)


def _scaled(weights: NDArray[Any], counts: NDArray[Any]) -> NDArray[np.float64]:
    return weights * counts.sum() / (weights * counts).sum()


class ClassLoss(nn.Module):
    """Cross-entropy of classes with weights, with logits adjusted, or focused on what is not yet learned.

    Args:
        answers: how outputs and targets are read.
        weights: (classes,) the loss of an example is multiplied by its class's. The mean is that over all examples, not torch's
            weighted mean: in a batch of one class only, that one would not notice any weights.
        offset: (classes,) added to the logits in training only: the logarithms of the classes' shares (Menon et al., "Long-tail
            learning via logit adjustment", 2021, equation 10). The model's own outputs are then those of classes all as common.
        gamma: the loss of an example is multiplied by (1 - p)^gamma, p its class's probability (Lin et al., "Focal loss for dense
            object detection", 2017, equation 4).
        smoothing: of the labels.
    """

    weights: torch.Tensor
    offset: torch.Tensor

    def __init__(
        self,
        answers: Answers,
        weights: NDArray[Any] | None = None,
        offset: NDArray[Any] | None = None,
        gamma: float = 0.0,
        smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.answers, self.gamma, self.smoothing = answers, gamma, smoothing
        classes = answers.classes
        self.register_buffer("weights", _tensor(np.ones(classes) if weights is None else weights))
        self.register_buffer("offset", _tensor(np.zeros(classes) if offset is None else offset))

    def forward(self, output: torch.Tensor, targets: torch.Tensor, *others: Any) -> torch.Tensor:
        """A scalar; other parts of the targets are not used."""
        logits, indexes = self.answers.logits(output), self.answers.indexes(targets)
        logits = logits + self.offset.to(logits.dtype).reshape(1, -1, *[1] * (logits.ndim - 2))
        valid = indexes != self.answers.ignored
        losses = functional.cross_entropy(
            logits, indexes, ignore_index=self.answers.ignored, reduction="none", label_smoothing=self.smoothing
        )
        at = indexes.where(valid, 0)
        if self.gamma:
            right = logits.log_softmax(dim=1).gather(1, at.unsqueeze(1)).squeeze(1)
            losses = losses * (-right.expm1()).clamp_min(_SURE) ** self.gamma
        losses = losses * self.weights.to(losses.dtype)[at]
        return (losses * valid).sum() / valid.sum().clamp_min(1)


class DiceLoss(nn.Module):
    """1 - Dice, the overlap of probabilities p and truth g, 2 sum(p g) / (sum(p^2) + sum(g^2)) over all pixels of a batch, mean over
    the classes that are in it (Milletari et al., "V-Net", 2016, section 3). A class counts alike however few pixels it has."""

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self.answers = answers

    def forward(self, output: torch.Tensor, targets: torch.Tensor, *others: Any) -> torch.Tensor:
        """A scalar from 0 to 1."""
        indexes = self.answers.indexes(targets)
        valid = (indexes != self.answers.ignored).unsqueeze(1)
        shares = self.answers.logits(output).softmax(dim=1) * valid
        truth = functional.one_hot(indexes.where(valid.squeeze(1), 0), self.answers.classes).movedim(-1, 1) * valid
        over = [0, *range(2, shares.ndim)]
        both = (shares * truth).sum(dim=over)
        dice = (2 * both + _SMOOTH) / ((shares**2).sum(dim=over) + truth.sum(dim=over) + _SMOOTH)
        present = truth.sum(dim=over) > 0
        return 1 - dice[present].mean()


def _tensor(values: NDArray[Any]) -> torch.Tensor:
    return torch.as_tensor(np.asarray(values, dtype=np.float64))
