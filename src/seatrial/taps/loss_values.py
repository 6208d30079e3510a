"""The number that a backward pass begins from: the value of one loss, or of several."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import torch

from seatrial.measure.access import is_whole, kept, readable
from seatrial.step.unheard import speaks


def number_of(losses: tuple[torch.Tensor, ...]) -> float:
    """The value of a single loss of one element; nan of any other."""
    loss = losses[0] if len(losses) == 1 else None
    return float(loss.detach()) if loss is not None and loss.numel() == 1 and is_whole(loss) else math.nan


def value_of(losses: tuple[torch.Tensor, ...], gradients: Sequence[Any]) -> Any:
    """What to keep of a loss without waiting for a device: a float, or a tensor to be read later. Of several, or of one with
    many elements, the number whose gradient is taken: their sum, each weighted with the gradient that it was given. None
    where there is no such number."""
    if any(map(speaks, losses)):
        return None
    if len(losses) == 1 and losses[0].numel() == 1:
        return kept(losses[0])
    weights = gradients or (None,) * len(losses)
    if not losses or len(weights) != len(losses) or not all(map(readable, losses)):
        return None
    with torch.no_grad():
        parts: list[torch.Tensor] = []
        for loss, weight in zip(losses, weights, strict=True):
            if loss.is_complex() or (weight is None and loss.numel() != 1):
                return None
            if weight is not None and not (readable(weight) and weight.shape == loss.shape):
                return None
            parts.append((loss if weight is None else loss * weight).sum())
        return kept(functools.reduce(torch.add, parts)) if len({part.device for part in parts}) == 1 else None
