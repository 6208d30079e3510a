"""First-layer weights as pictures: how rough they are, and small grey copies of them."""

from __future__ import annotations

import base64
import math
from typing import NamedTuple

import torch
from torch import Tensor

from seatrial.measure.access import plain, read, stride_over

# Of more weights only evenly spread filters are measured.
MOST_ELEMENTS = 2**18
# A picture of the layer has so many filters and bytes at most.
MOST_FILTERS = 64
MOST_BYTES = 12_288


class Roughness(NamedTuple):
    """`ratio` and its standard `error` (over filters; nan of a single one)."""

    ratio: float
    error: float


def roughness(filters: Tensor) -> Roughness:
    """How much neighbouring weights differ: the mean square of their differences over twice the variance within a filter's
    channel, both summed over all (von Neumann's ratio, 1941, in two dimensions).

    1 for independent weights as an initialisation draws them, of whatever distribution and scale; toward 0 for smooth
    filters; up to 2 for a checkerboard. nan for constant filters and for those of one pixel in height or width.

    Args:
        filters: count x channels x height x width.
    """
    if filters.ndim != 4 or min(filters.shape[2:]) < 2 or not len(filters):
        return Roughness(math.nan, math.nan)
    each = max(1, math.prod(filters.shape[1:]))
    values = plain(filters[:: stride_over(len(filters), max(1, MOST_ELEMENTS // each))]).double()
    down, across = values.diff(dim=2).square(), values.diff(dim=3).square()
    pairs = down[0, 0].numel() + across[0, 0].numel()
    differing = (down.sum((2, 3)) + across.sum((2, 3))).sum(1) / pairs
    varying = 2 * values.var((2, 3), correction=1).sum(1)
    total = varying.sum()
    ratio = differing.sum() / total
    count = len(values)
    spread = (differing - ratio * varying).square().sum().mul(count / max(1, count - 1)).sqrt() / total
    found, error = read([ratio, spread])
    return Roughness(found, error if count > 1 else math.nan)


def shown(count: int, channels: int, height: int, width: int) -> range:
    """Which filters of a layer are kept as pictures: evenly spread ones, none where a single one is too large."""
    most = min(MOST_FILTERS, MOST_BYTES // max(1, channels * height * width))
    return range(0, count, stride_over(count, most)) if most else range(0)


def picture(filters: Tensor) -> str:
    """Filters as base64 of one byte a weight, in the order of the tensor: 128 is 0, and 1 and 255 are the greatest
    absolute weight of the filter. "" where one is not finite."""
    values = plain(filters).flatten(1)
    scale = values.abs().amax(1, keepdim=True)
    if not bool(torch.isfinite(scale).all()):
        return ""
    levels = torch.where(scale > 0, values / scale, torch.zeros_like(values)).mul(127).round().add(128)
    return base64.b64encode(bytes(levels.to(torch.uint8).cpu().reshape(-1).tolist())).decode("ascii")
