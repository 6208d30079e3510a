"""Near duplicates among pictures: the same one moved by a pixel or two, brighter, blurred, compressed anew or mirrored.

First many candidates from what little is kept of a picture, then each candidate compared in full under all small shifts.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from seatrial.vault.overlap.blocks import Blocks, compared, numbered
from seatrial.vault.overlap.neighbours import affordable, nearest
from seatrial.vault.overlap.null import nearer_than_chance, neighbours_wanted
from seatrial.vault.overlap.pairs import Pair
from seatrial.vault.sources.source import Block

_Real = TypeVar("_Real", np.float32, np.float64)
SHIFT = 2
"""Pixels that a picture may have moved, in each direction."""
LEAST_SIDE = 8
_LARGEST_SIDE = 32
# Pixels compared: about a minute of one core.
_MOST_PIXELS = 20_000_000_000
_SEED = 20_240_302
_RANDOM_ONES = 500
_FEW = 5
# Frequencies kept of a picture, by rows and columns of its two-dimensional transform: half of them, the other half mirrors it.
_FREQUENCIES = [(v, u) for u in range(5) for v in range(-3, 4) if (u, v) > (0, 0)]
_MIRRORED = [_FREQUENCIES.index((-v, u)) if u else _FREQUENCIES.index((v, u)) for v, u in _FREQUENCIES]


def are_pictures(images: NDArray[np.float32] | None) -> bool:
    """Whether examples are large enough to be moved by a pixel and still be compared."""
    return images is not None and min(images.shape[1:3]) >= LEAST_SIDE


def near_pictures(blocks: Blocks, test: NDArray[np.bool_], passed: NDArray[np.bool_]) -> tuple[list[Pair], str]:
    """Test pictures that are nearer to a training picture than chance makes them.

    Args:
        test: (n,) True for test examples.
        passed: (n,) True for test examples that are found already.

    Returns:
        The pairs, with the distance sqrt(2 (1 - correlation)) at the best shift; and what was compared.
    """
    thumbs, spectra, shape = _sketches(blocks, len(test))
    training, queries = np.flatnonzero(~test), np.flatnonzero(test & ~passed)
    wanted = neighbours_wanted(len(training))
    if not wanted:
        return [], f"equal examples only: {len(training)} training examples are too few to tell what is near"
    looked = f"pictures of {shape[0]} x {shape[1]} under shifts of up to {SHIFT} pixels, mirrored and not, whatever their brightness and contrast"
    most = affordable(len(training), len(queries) * 4, thumbs.shape[1]) // 4
    if most < len(queries):
        looked += f"; {most} of {len(queries)} test pictures, drawn at random, were compared with all training pictures"
        queries = np.sort(np.random.default_rng(_SEED).choice(queries, most, replace=False))
    if not len(queries):
        return [], looked
    candidates, suspicion = _candidates(thumbs, spectra, training, queries, wanted)
    chosen = _affordable_pictures(suspicion, candidates.shape[1], shape)
    queries_in_full, candidates = queries[chosen], candidates[chosen]
    distances = _in_full(blocks, queries_in_full, candidates, shape)
    order = np.argsort(distances, axis=1, kind="stable")[:, :wanted]
    distances, candidates = np.take_along_axis(distances, order, 1), np.take_along_axis(candidates, order, 1)
    found = np.flatnonzero(nearer_than_chance(distances, comparisons=len(queries)))
    return [Pair(int(candidates[i, 0]), int(queries_in_full[i]), float(distances[i, 0])) for i in found], looked


def _sketches(blocks: Blocks, count: int) -> tuple[NDArray[np.float16], NDArray[np.float16], tuple[int, ...]]:
    """Of each picture, grey and of mean 0 and length 1: 8 x 8 averages, and the sizes of 31 low frequencies, which hardly change when it moves.
    190 bytes. Also the shape of the pictures."""
    thumbs = np.zeros((count, LEAST_SIDE * LEAST_SIDE), np.float16)
    spectra = np.zeros((count, len(_FREQUENCIES)), np.float16)
    shape: tuple[int, ...] = ()
    rows, columns = np.array(_FREQUENCIES).T
    for start, block in numbered(blocks):
        assert block.images is not None
        shape = block.images.shape[1:]
        grey = _reduced(block.images).mean(3)
        inside = slice(start, start + len(grey))
        small = _normal(_averaged(grey[..., None], LEAST_SIDE, LEAST_SIDE)[..., 0])
        thumbs[inside] = small.reshape(len(grey), -1)
        sizes = np.abs(np.fft.rfft2(_normal(grey)))[:, rows, columns]
        spectra[inside] = sizes / np.sqrt(grey.shape[1] * grey.shape[2])
    return thumbs, spectra, shape


def _candidates(
    thumbs: NDArray[np.float16],
    spectra: NDArray[np.float16],
    training: NDArray[np.int64],
    queries: NDArray[np.int64],
    wanted: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(queries, candidates) training examples that may be near, each once or -1; and how much nearer the first is than the last, in logarithms."""
    small = thumbs.reshape(-1, LEAST_SIDE, LEAST_SIDE)
    mirrored = small[queries][:, :, ::-1].reshape(len(queries), -1)
    ways = [(thumbs, thumbs[queries], wanted), (spectra, spectra[queries], wanted)]
    # Hardly any picture is like another one mirrored: those that tell what is usual are found above.
    ways += [(thumbs, mirrored, _FEW), (spectra, spectra[queries][:, _MIRRORED], _FEW)]
    found: list[NDArray[np.int64]] = []
    suspicion = np.zeros(len(queries))
    for reference, asked, count in ways:
        distances, places = nearest(reference[training].astype(np.float32), asked.astype(np.float32), count)
        found.append(training[places])
        suspicion = np.maximum(suspicion, np.log((distances[:, -1] + 1e-9) / (distances[:, 0] + 1e-9)))
    every = np.sort(np.concatenate(found, axis=1), axis=1)
    every[:, 1:][np.diff(every, axis=1) == 0] = -1
    return every, suspicion


def _affordable_pictures(suspicion: NDArray[np.float64], candidates: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Which queries are compared in full: all; where that takes too long the most suspicious, and some at random for what is usual."""
    pixels = np.prod([min(side, _LARGEST_SIDE) for side in shape[:2]]) * (shape[2] if len(shape) > 2 else 1)
    most = max(2 * _RANDOM_ONES, int(_MOST_PIXELS // (candidates * pixels * 2 * (2 * SHIFT + 1) ** 2)))
    if most >= len(suspicion):
        return np.arange(len(suspicion))
    usual = np.random.default_rng(_SEED).choice(len(suspicion), _RANDOM_ONES, replace=False)
    return np.union1d(usual, np.argsort(-suspicion)[: most - _RANDOM_ONES])


def _in_full(
    blocks: Blocks, queries: NDArray[np.int64], candidates: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """(queries, candidates) the distance at the best shift; infinite where there is no candidate."""
    distances = np.full(candidates.shape, np.inf)
    row, column = np.nonzero(candidates >= 0)
    reach = tuple(-(-SHIFT * min(side, _LARGEST_SIDE) // side) for side in shape[:2])
    distances[row, column] = compared(
        blocks,
        queries[row],
        candidates[row, column],
        lambda block, inside: _reduced(_images(block)[inside]),
        lambda ours, theirs, _: registered(ours, theirs, reach),
    )
    return distances


def registered(ours: NDArray[np.float32], theirs: NDArray[np.float32], reach: tuple[int, ...]) -> NDArray[np.float64]:
    """The distance of pictures, sqrt(2 (1 - correlation)), where they overlap, at the best of all shifts, mirrored or not. Each channel has its
    own mean: pictures under lights of different colours differ by no more than those of different brightness.

    Args:
        ours, theirs: (pairs, height, width, channels).
        reach: pixels of shift, vertically and horizontally.

    Returns:
        (pairs,) 0 (the same but for brightness and contrast) to 2.
    """
    height, width = ours.shape[1:3]
    down, right = (np.arange(-pixels, pixels + 1) for pixels in reach)
    # The rows and columns of each picture that lie over the other one after each shift.
    sizes = np.outer(height - np.abs(down), width - np.abs(right))[..., None]
    still = _centred(theirs)
    their_sums, their_squares = (_sums(part, -down, -right) for part in (still, still**2))
    padded = (height + reach[0], width + reach[1])
    theirs_turned = np.conj(np.fft.rfft2(still, padded, axes=(1, 2)))
    best = np.full(len(ours), -1.0)
    for picture in (_centred(ours), _centred(ours)[:, :, ::-1]):
        turned = np.einsum("nhwc,nhwc->nhw", np.fft.rfft2(picture, padded, axes=(1, 2)), theirs_turned)
        products = np.fft.irfft2(turned, padded)[:, down[:, None], right]
        sums, squares = (_sums(part, down, right) for part in (picture, picture**2))
        variances = (squares - sums**2 / sizes).sum(3) * (their_squares - their_sums**2 / sizes).sum(3)
        covariances = products - (sums * their_sums / sizes).sum(3)
        likeness = np.where(variances > 1e-12, covariances / np.sqrt(np.maximum(variances, 1e-12)), 0)
        best = np.maximum(best, likeness.max(axis=(1, 2)))
    return np.sqrt(np.maximum(2 * (1 - best), 0))


def _centred(pictures: NDArray[np.float32]) -> NDArray[np.float64]:
    """Each picture with mean 0 and length 1 in double precision: differences of squares follow."""
    return _normal(pictures.astype(np.float64))


def _sums(pictures: NDArray[np.float64], down: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n, shifts down, shifts right, channels) the sums over what is left of a picture that has moved so far out of its frame."""
    height, width = pictures.shape[1:3]
    corner = np.zeros((len(pictures), height + 1, width + 1, pictures.shape[3]))
    corner[:, 1:, 1:] = pictures.cumsum(1).cumsum(2)
    top, bottom = np.maximum(0, down)[:, None], (height + np.minimum(0, down))[:, None]
    left, end = np.maximum(0, right), width + np.minimum(0, right)
    return corner[:, bottom, end] - corner[:, top, end] - corner[:, bottom, left] + corner[:, top, left]


def _normal(pictures: NDArray[_Real]) -> NDArray[_Real]:
    """Each picture with mean 0 in each channel, and length 1; one without any contrast is 0."""
    centred = pictures - pictures.mean((1, 2), keepdims=True)
    length = np.sqrt(np.sum(centred**2, axis=tuple(range(1, pictures.ndim)), keepdims=True))
    return np.where(length > 1e-6, centred / np.maximum(length, 1e-6), 0).astype(pictures.dtype)


def _images(block: Block) -> NDArray[np.float32]:
    assert block.images is not None
    return block.images


def _reduced(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, height, width, channels) at most 32 x 32, by averages; grey ones with one channel. What is not finite is 0."""
    images = np.nan_to_num(images if images.ndim == 4 else images[..., None], posinf=0.0, neginf=0.0)
    return _averaged(images, min(images.shape[1], _LARGEST_SIDE), min(images.shape[2], _LARGEST_SIDE))


def _averaged(images: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Pictures of a smaller size: each pixel the average over its area and half of that around it."""
    if images.shape[1:3] == (height, width):
        return images
    rows, columns = _areas(images.shape[1], height), _areas(images.shape[2], width)
    return np.einsum("ih,nhwc,jw->nijc", rows, images, columns, optimize=True)


def _areas(size: int, parts: int) -> NDArray[np.float32]:
    """(parts, size) the share of each old pixel in each new one, which reaches over half of its neighbours as well: after that a shift by
    a part of a new pixel changes little."""
    width = size / parts
    starts = (np.arange(parts)[:, None] - 0.5) * width
    pixels = np.arange(size)
    shares = np.clip(np.minimum(starts + 2 * width, pixels + 1) - np.maximum(starts, pixels), 0, None)
    return (shares / shares.sum(1, keepdims=True)).astype(np.float32)
