"""Padding of sequences: values in which rows end that were never data."""

from __future__ import annotations

import torch
from torch import Tensor

# Shorter second axes are not taken for sequences.
SHORTEST = 4


def padding(tensor: Tensor) -> dict[str, float]:
    """What rows of integers [examples, time] end in; whether floats [examples, time, features] end in zeros.

    pad_value      the value that most rows end in (0 for frames)
    padded_rows    share of rows that end in it
    pad_share      share of all positions that lie in such ends
    pad_lengths    number of different lengths of such ends (0 is one of them)
    pad_inside     share of the positions with that value that lie elsewhere
    {} where there is no such axis, or no row ends so.
    """
    if tensor.ndim < 2 or tensor.shape[1] < SHORTEST or tensor.numel() == 0:
        return {}
    if tensor.ndim == 3 and tensor.is_floating_point():
        value, padded = 0.0, torch.count_nonzero(tensor, -1) == 0
    elif tensor.ndim == 2 and not tensor.is_floating_point() and not tensor.is_complex():
        value = int(tensor[:, -1].to(torch.int64).mode().values)
        padded = tensor == value
    else:
        return {}
    length = tensor.shape[1]
    places = torch.arange(1, length + 1, device=tensor.device)
    ends = length - torch.where(padded, 0, places).amax(1)
    in_ends, everywhere = int(ends.sum()), int(padded.sum())
    if not in_ends:
        return {}
    return {
        "pad_value": float(value),
        "padded_rows": float((ends > 0).float().mean()),
        "pad_share": in_ends / padded.numel(),
        "pad_lengths": float(len(torch.unique(ends))),
        "pad_inside": (everywhere - in_ends) / everywhere,
    }
