"""How many planted near duplicates the vault finds across a split, and how many alarms it raises where none were planted.

    python benchmarks/overlap.py

One line a data set: examples, alarms in 10 splits without plants, then recall (and alarms besides) for each change: a tenth of the test
part, at most 20 examples, replaced by changed training examples, over 3 splits.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, shift
from sklearn import datasets

from seatrial.vault.overlap.finding import find
from seatrial.vault.sources.source import Block

Array = NDArray[np.float64]
Change = Callable[[Array], Array]


def in_blocks(examples: Array) -> Callable[[], Iterator[Block]]:
    values = np.ascontiguousarray(examples, np.float32) + np.float32(0)
    digests = b"".join(hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in values)
    block = Block(
        np.frombuffer(digests, "V16"), values if values.ndim == 2 else None, values if values.ndim > 2 else None
    )
    return lambda: iter([block])


def jpeg(picture: Array) -> Array:
    file = io.BytesIO()
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file)).astype(np.float64)


def moved(down: int, right: int) -> Change:
    return lambda picture: shift(picture, (down, right, 0)[: picture.ndim], mode="nearest")


def of_tables(examples: Array, random: np.random.Generator) -> dict[str, Change]:
    scale = examples.std(0)
    return {
        "equal": lambda row: row,
        "noise 1 %": lambda row: row + 0.01 * scale * random.normal(size=row.shape),
        "noise 3 %": lambda row: row + 0.03 * scale * random.normal(size=row.shape),
    }


def of_pictures(random: np.random.Generator) -> dict[str, Change]:
    return {
        "equal": lambda picture: picture,
        "noise 1 %": lambda picture: picture + 2.55 * random.normal(size=picture.shape),
        "1 px": moved(1, 0),
        "2 px": moved(-2, 2),
        "brightness 5 %": lambda picture: np.clip(picture * 1.05, 0, 255),
        "JPEG 75": jpeg,
        "blur 0.5 px": lambda picture: gaussian_filter(picture, (0.5, 0.5, 0)[: picture.ndim]),
        "mirrored": lambda picture: picture[:, ::-1],
    }


def scenes(count: int, side: int) -> Array:
    """The spectrum of natural pictures (Field 1987)."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    frequency[0, 0] = 1
    white = np.random.default_rng(5).normal(size=(count, side, side))
    pictures = np.fft.ifft2(np.fft.fft2(white) / frequency).real
    return (pictures - pictures.min()) / np.ptp(pictures) * 255


def tiles(side: int) -> Array:
    """Photographs cut into squares that do not overlap."""
    parts = []
    for photograph in datasets.load_sample_images().images:
        rows, columns = photograph.shape[0] // side, photograph.shape[1] // side
        cut = photograph[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
        parts.append(cut.swapaxes(1, 2).reshape(-1, side, side, 3))
    return np.concatenate(parts).astype(np.float64)


def alarms(examples: Array, splits: int) -> int:
    blocks = in_blocks(examples)
    return sum(
        bool(find(blocks, np.random.default_rng(seed).random(len(examples)) < 0.2).near) for seed in range(splits)
    )


def recall(examples: Array, change: Change) -> str:
    hits = planted = besides = 0
    for seed in range(3):
        random = np.random.default_rng(100 + seed)
        test = random.random(len(examples)) < 0.2
        places = random.choice(np.flatnonzero(test), min(20, max(3, test.sum() // 10)), replace=False)
        changed = examples.copy()
        for place, origin in zip(places, random.choice(np.flatnonzero(~test), len(places), replace=False), strict=True):
            changed[place] = change(examples[origin])
        overlap = find(in_blocks(changed), test)
        found = {pair.test for pair in (*overlap.same, *overlap.near)}
        hits, planted = hits + len(found & set(places.tolist())), planted + len(places)
        besides += len({pair.test for pair in overlap.near} - set(places.tolist()))
    return f"{hits} of {planted}" + (f" (+{besides})" if besides else "")


def main() -> None:
    random = np.random.default_rng(0)
    tables = {name: getattr(datasets, f"load_{name}")().data for name in ("iris", "wine", "breast_cancer", "diabetes")}
    for columns in (2, 5, 10, 100):
        tables[f"Gaussian, {columns} columns"] = random.normal(size=(2000, columns))
    pictures = {
        "digits 8 x 8": datasets.load_digits().images * 255 / 16,
        "scenes 28 x 28": scenes(1000, 28),
        "tiles 32 x 32 x 3": tiles(32),
    }
    for name, examples in (*tables.items(), *pictures.items()):
        changes = of_tables(examples, random) if examples.ndim == 2 else of_pictures(random)
        figures = ", ".join(f"{change}: {recall(examples, changes[change])}" for change in changes)
        print(f"{name}: {len(examples)} examples, {alarms(examples, 10)} alarms of 10; {figures}", flush=True)


if __name__ == "__main__":
    main()
