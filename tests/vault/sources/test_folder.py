"""A folder of files by class: both parts together are the original; what is no such folder is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

from seatrial.errors import UsageProblem
from seatrial.vault.sources import folder as folders
from seatrial.vault.sources import source_of
from seatrial.vault.sources.folder import FolderSource, read

FILES = {"cat/b.bin": b"1", "cat/a.bin": b"2", "dog/deep/er/c.bin": b"", "dog/d é.bin": b"1", "a cow/e.bin": b"5"}


def made(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_both_parts_are_the_original(tmp_path: Path, opened: Any) -> None:
    root = made(tmp_path / "data", {**FILES, ".DS_Store": b"", "cat/.hidden": b"", ".git/config": b""})
    (root / "cat" / "link.bin").symlink_to(root / "dog" / "d é.bin")
    source = source_of(root)
    names = ["a cow/e.bin", "cat/a.bin", "cat/b.bin", "cat/link.bin", "dog/d é.bin", "dog/deep/er/c.bin"]
    everything = dict(zip(names, [b"5", b"2", b"1", b"1", b"1", b""], strict=True))
    assert source.column("class").tolist() == ["a cow", "cat", "cat", "cat", "dog", "dog"]
    assert source.form.settings["classes"] == ["a cow", "cat", "dog"]
    chosen = np.array([False, True, False, True, False, True])
    source.write(~chosen, tmp_path / "training")
    sealed = {name: bytes(content) for name, content in source.shards(chosen)}
    assert list(sealed) == [name for name, mine in zip(names, chosen, strict=True) if mine]
    assert sealed | contents(tmp_path / "training") == everything
    assert not sealed.keys() & contents(tmp_path / "training").keys()
    part = opened(source, chosen)
    assert (part.inputs, part.targets.tolist(), part.examples) == ([b"2", b"1", b""], ["cat", "cat", "dog"], 3)
    (block,) = source.blocks()
    assert block.digests[2] == block.digests[3] == block.digests[4] != block.digests[0]
    assert block.images is None


def test_classes_stay_though_all_their_files_are_sealed(tmp_path: Path) -> None:
    source = source_of(made(tmp_path / "data", {"a/1": b"", "b/1": b""}))
    source.write(np.array([True, False]), tmp_path / "training")
    assert sorted(os.listdir(tmp_path / "training")) == ["a", "b"]


def test_pictures_are_seen_small_and_grey(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    root = made(tmp_path / "data", {"a/x": b"", "b/x": b""})
    for name in ("a/x", "b/x"):
        (root / name).unlink()
    smooth = np.kron(rng.integers(0, 256, (8, 8, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    Image.fromarray(smooth).save(root / "a" / "1.png")
    Image.fromarray(smooth).save(root / "a" / "2.JPG", quality=95)
    Image.fromarray(255 - smooth).save(root / "b" / "3.png")
    (block,) = source_of(root).blocks()
    assert block.images is not None
    assert block.images.shape == (3, 32, 32)
    grey = (smooth @ [0.299, 0.587, 0.114]).reshape(32, 2, 32, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(block.images[0], grey, atol=1.01)
    assert np.abs(block.images[0] - block.images[1]).mean() < 3
    assert np.abs(block.images[0] - block.images[2]).mean() > 30
    with patch.object(folders, "_has_pillow", lambda: False):
        (block,) = source_of(root).blocks()
    assert block.images is None
    (root / "b" / "3.png").write_bytes((root / "b" / "3.png").read_bytes()[:60])
    with pytest.raises(UsageProblem, match=r"b/3.png.*unreadable-picture"):
        list(source_of(root).blocks())


def test_what_is_no_folder_of_classes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(UsageProblem, match="empty-data"):
        source_of(tmp_path / "none")
    with pytest.raises(UsageProblem, match=r"labels\.csv, which is no folder.*file-beside-classes"):
        source_of(made(tmp_path / "beside", {**FILES, "labels.csv": b""}))
    made(tmp_path / "class", FILES)
    (tmp_path / "class" / "bird" / "sub").mkdir(parents=True)
    with pytest.raises(UsageProblem, match=r"none in .*bird.*empty-class"):
        source_of(tmp_path / "class")
    with pytest.raises(UsageProblem, match="a name among class, found 'kind'"):
        FolderSource(made(tmp_path / "right", FILES), "kind")
    with pytest.raises(UsageProblem, match="no-such-column"):
        FolderSource(tmp_path / "right").column("kind")


@pytest.mark.parametrize(
    ("to", "slug"), [("../outside", "link-outside"), ("missing", "no-file"), (".", "no-file"), (None, "no-file")]
)
def test_links_and_things_that_are_no_files_are_refused(tmp_path: Path, to: str | None, slug: str) -> None:
    root = made(tmp_path / "data", FILES)
    (tmp_path / "outside").write_bytes(b"")
    (root / "outside").mkdir()
    (root / "outside" / "x").write_bytes(b"")
    if to is None:
        os.mkfifo(root / "cat" / "odd")
    else:
        (root / "cat" / "odd").symlink_to(tmp_path / "outside" if to.startswith("..") else root / "cat" / to)
    with pytest.raises(UsageProblem, match=rf"cat/odd.*{slug}"):
        source_of(root)


def test_a_class_that_is_a_link_is_refused(tmp_path: Path) -> None:
    root = made(tmp_path / "data", FILES)
    (root / "bird").symlink_to(made(tmp_path / "birds", {"x": b""}))
    with pytest.raises(UsageProblem, match="bird, which is no folder"):
        source_of(root)


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    root = made(tmp_path / "data", FILES)
    source = source_of(root)
    (root / "cat" / "a.bin").unlink()
    with pytest.raises(UsageProblem, match=r"cat/a.bin.*unreadable-file"):
        list(source.shards(np.ones(5, np.bool_)))
    assert read(source.form, "dog/deep/x", b"1").targets is not None
