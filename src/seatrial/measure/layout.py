"""Does a picture's memory read like a picture? Channels that lie interleaved along a row give themselves away."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from seatrial.measure.access import plain, readable

MOST_EXAMPLES = 64


def interleaving(tensor: Tensor) -> float:
    """Of images (examples, channels, height, width) with 2 to 4 channels: the mean squared difference of pixels as far
    apart in a row as there are channels, over that of neighbours. nan for other tensors.

    Pixels are more like their neighbours than like those further away, so that the ratio is above 1; if rows hold the
    channels of one pixel after the other (height, width, channel read as channel, height, width), it is below.
    """
    if not readable(tensor) or tensor.ndim != 4 or not 2 <= tensor.shape[1] <= 4:
        return math.nan
    apart, width = tensor.shape[1], tensor.shape[3]
    if width < 3 * apart or not tensor.numel():
        return math.nan
    values = plain(tensor[:MOST_EXAMPLES])
    near = (values[..., 1:] - values[..., :-1]).square().mean()
    far = (values[..., apart:] - values[..., :-apart]).square().mean()
    return (far / near).item() if torch.isfinite(near) and near > 0 else math.nan
