"""The small local data of benchmarks/public.py, each in the format that a public program reads."""

from __future__ import annotations

import io
import pathlib
import tarfile

LINES_TRAIN, LINES_VALID, LINES_TEST = 700, 150, 150


def words(examples: pathlib.Path, folder: pathlib.Path) -> None:
    """A part of WikiText-2 as the word language model reads it, from what of it the examples bring along."""
    source = examples / "word_language_model/data/wikitext-2"
    folder.mkdir(parents=True)
    lines = (source / "valid.txt").read_text(encoding="utf8").splitlines(keepends=True)
    test = (source / "test.txt").read_text(encoding="utf8").splitlines(keepends=True)
    (folder / "train.txt").write_text("".join(lines[:LINES_TRAIN]), encoding="utf8")
    (folder / "valid.txt").write_text("".join(lines[LINES_TRAIN : LINES_TRAIN + LINES_VALID]), encoding="utf8")
    (folder / "test.txt").write_text("".join(test[:LINES_TEST]), encoding="utf8")


def characters(examples: pathlib.Path, file: pathlib.Path) -> None:
    """The same text in one file, for models of characters."""
    text = (examples / "word_language_model/data/wikitext-2/valid.txt").read_text(encoding="utf8")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text[:300_000].encode("ascii", "ignore").decode(), encoding="utf8")


def graph(archive: pathlib.Path, nodes: int = 2000, features: int = 200, classes: int = 7) -> None:
    """A citation graph in Cora's files: a stochastic block model whose nodes use the words of their class more often."""
    import numpy as np

    random = np.random.default_rng(0)
    labels = random.integers(classes, size=nodes)
    likely = random.random((classes, features)) < 0.12
    uses = random.random((nodes, features)) < np.where(likely[labels], 0.15, 0.03)
    uses[np.arange(nodes), random.integers(features, size=nodes)] = True  # nobody without a word
    left, right = random.integers(nodes, size=(2, 60 * nodes))
    kept = random.random(left.size) < np.where(labels[left] == labels[right], 0.12, 0.01)
    pairs = {(a, b) for a, b in zip(left[kept].tolist(), right[kept].tolist(), strict=True) if a != b}
    content = "".join(
        f"{n}\t" + "\t".join("01"[int(u)] for u in uses[n]) + f"\ttopic{labels[n]}\n" for n in range(nodes)
    )
    cites = "".join(f"{a}\t{b}\n" for a, b in sorted(pairs))
    with tarfile.open(archive, "w:gz") as tar:
        for name, text in (("cora/cora.content", content), ("cora/cora.cites", cites)):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))


def photographs(folder: pathlib.Path) -> None:
    """Tiles of scikit-learn's two photographs, the left parts to train and the right parts to test."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    for part, lefts in (("train", (0, 64, 128)), ("test", (384,))):
        (folder / part).mkdir(parents=True)
        for number, photograph in enumerate(load_sample_images().images):
            for left in lefts:
                for top in (0, 57, 114, 171):
                    tile = Image.fromarray(photograph).crop((left, top, left + 256, top + 256))
                    tile.save(folder / part / f"{number}-{left}-{top}.png")
