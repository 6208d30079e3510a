"""Which tensors can be read, and how to read as little of a large one as is needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from math import gcd
from typing import Any

import torch
from torch import Tensor


def readable(thing: Any) -> bool:
    """Whether the values of a thing can be read: a real, dense tensor (not meta, fake, batched or of a subclass)."""
    return (
        type(thing) in (Tensor, torch.nn.Parameter)
        and thing.layout is torch.strided
        and not thing.is_meta
        and not thing.is_quantized
        and not torch._C._functorch.is_functorch_wrapped_tensor(thing)  # pyright: ignore[reportAttributeAccessIssue]
    )


def local(tensor: Tensor) -> Tensor:
    """A tensor's values outside of any graph; of one that is spread over processes (a DTensor) the part that this process holds.

    To ask for more of such a one would begin to communicate, and its counterparts in other processes would not answer."""
    tensor = tensor.detach()
    return getattr(tensor, "_local_tensor", tensor)


def is_whole(tensor: Tensor) -> bool:
    """Whether this process holds all of a tensor."""
    return not hasattr(tensor, "_local_tensor")


def plain(tensor: Tensor) -> Tensor:
    """A tensor's values as real floating numbers of at least 32 bits, outside of any graph. May share its memory.

    Small integers become float32, those of 32 bits and more float64, complex numbers two reals each."""
    tensor = tensor.detach()
    if tensor.dtype in (torch.float32, torch.float64):
        return tensor
    if tensor.is_complex():
        return torch.view_as_real(tensor.resolve_conj())
    wide = tensor.dtype in (torch.int64, torch.int32)
    return tensor.to(torch.float64 if wide else torch.float32)


def held_bytes(tensor: Tensor) -> int:
    """The memory that a tensor's values take; of a sparse one those that it holds, with their places."""
    if tensor.layout is torch.sparse_coo:
        return tensor._values().nbytes + tensor._indices().nbytes
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return tensor.values().nbytes + tensor.crow_indices().nbytes + tensor.col_indices().nbytes
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return tensor.values().nbytes + tensor.ccol_indices().nbytes + tensor.row_indices().nbytes
    return tensor.nbytes


def stride_over(length: int, wanted: int, period: int = 1) -> int:
    """A step that takes at most `wanted` evenly spread elements of an axis, and meets all phases of `period` (so that
    of interleaved channels none is passed over)."""
    step = max(1, -(-length // wanted))
    while step > 1 and gcd(step, period) > 1:
        step += 1
    return step


def read(figures: Sequence[Tensor]) -> list[float]:
    """The numbers that 0-dimensional tensors hold, with one transfer where they are on one device."""
    if all(figure.is_cpu for figure in figures):
        return [figure.item() for figure in figures]
    device = figures[0].device
    return torch.stack([figure.to(device) for figure in figures]).tolist()


def kept(tensor: Tensor) -> float | Tensor:
    """What to keep of a tensor of one element: its number, or where a device would have to be waited for a copy to be read
    later (a script may go on to add to the tensor itself, as to a running total); nan of one that is spread over processes."""
    if not is_whole(tensor):
        return math.nan
    return tensor.item() if tensor.is_cpu else tensor.detach().clone().reshape(())


def read_later(values: Sequence[float | Tensor]) -> list[float]:
    """The numbers of what was `kept`, with one transfer for each dtype and device. nan for what a device holds that has
    failed: after an assertion on it nothing of it can be read any more."""
    numbers = [math.nan if isinstance(value, Tensor) else float(value) for value in values]
    alike: dict[tuple[torch.dtype, torch.device], list[int]] = {}
    for place, value in enumerate(values):
        if isinstance(value, Tensor):
            alike.setdefault((value.dtype, value.device), []).append(place)
    for places in alike.values():
        with suppress(RuntimeError):
            found = torch.stack([value for at in places if isinstance(value := values[at], Tensor)]).tolist()
            for at, number in zip(places, found, strict=True):
                numbers[at] = float(number)
    return numbers
