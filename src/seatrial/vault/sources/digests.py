"""Digests of examples: equal where what a model would see is equal."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIGEST_BYTES = 16
# More features than this become as many means over neighbours: what is near stays near, and the search stays affordable.
MOST_FEATURES = 4096
# Pictures are brought to at most so many pixels a side.
MOST_PIXELS = 64
_SMALLEST_SIDE = 8


def digests(examples: Iterable[Any]) -> NDArray[np.void]:
    """The BLAKE2b digest of each example, given as bytes or a row of uint8; (n,), 16 bytes each."""
    return np.frombuffer(
        b"".join(blake2b(one, digest_size=DIGEST_BYTES).digest() for one in examples), f"V{DIGEST_BYTES}"
    )


def features(arrays: list[NDArray[Any]]) -> NDArray[np.float32] | None:
    """(n, features) float32: the numeric arrays of n examples, flattened side by side, each at most `MOST_FEATURES` wide."""
    flat = [_narrowed(array.reshape(len(array), -1)) for array in arrays if array.dtype.kind in "biuf" and array.size]
    return np.concatenate(flat, axis=1) if flat else None


def _narrowed(rows: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        rows = rows.astype(np.float32)
    width = -(-rows.shape[1] // MOST_FEATURES)
    if width == 1:
        return rows
    starts = np.arange(0, rows.shape[1], width)
    lengths = np.diff(np.append(starts, rows.shape[1]))
    return (np.add.reduceat(rows, starts, axis=1) / lengths).astype(np.float32)


def pictures(array: NDArray[Any]) -> NDArray[np.float32] | None:
    """(n, height, width) or (n, height, width, channels) float32, at most `MOST_PIXELS` a side by means over squares of
    pixels; None where the array of (n, h, w), (n, c, h, w) or (n, h, w, c) looks like no pictures."""
    if array.dtype.kind not in "buf" and array.dtype != np.int16:
        return None
    if array.ndim == 4 and array.shape[3] not in (1, 3, 4) and array.shape[1] in (1, 3, 4):
        array = np.moveaxis(array, 1, 3)
    if array.ndim == 4 and array.shape[3] not in (1, 3, 4):
        return None
    if array.ndim not in (3, 4) or min(array.shape[1:3]) < _SMALLEST_SIDE:
        return None
    step = -(-max(array.shape[1:3]) // MOST_PIXELS)
    if step == 1 or min(array.shape[1:3]) // step < _SMALLEST_SIDE:
        return np.ascontiguousarray(array, np.float32)
    high, wide = (side // step for side in array.shape[1:3])
    cut = array[:, : high * step, : wide * step].astype(np.float32)
    return cut.reshape(len(cut), high, step, wide, step, *cut.shape[3:]).mean(axis=(2, 4))
