"""Two numbers by which a tensor is told from another one, whatever their size."""

from __future__ import annotations

import torch
from torch import Tensor

from seatrial.measure.access import plain, stride_over

# So many evenly spread elements are looked at.
MOST_ELEMENTS = 4096


def projected(tensor: Tensor) -> Tensor:
    """The projection of some elements on a fixed direction, and their norm, as one tensor [2] (float64 on a CPU, else float32).

    Equal tensors give equal bits on equal machines. Nothing is transferred from a device."""
    values = plain(tensor).reshape(-1)
    values = values[:: stride_over(len(values), MOST_ELEMENTS)]
    values = values.to(torch.float64 if values.is_cpu else torch.float32)
    direction = torch.linspace(-1.0, 1.5, len(values), dtype=values.dtype, device=values.device)
    return torch.stack([values.dot(direction), torch.linalg.vector_norm(values)])
