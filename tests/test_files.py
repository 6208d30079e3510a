"""A file is the old or the new one: what was written is on the disk before it gets its name."""

import os
from pathlib import Path

import pytest

from seatrial import files


def test_written_before_it_is_named_and_named_before_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, steps = tmp_path / "ledger", []
    path.write_bytes(b"old")
    sync, rename = os.fsync, os.rename

    def fsync(handle: int) -> None:
        steps.append("folder" if os.path.samestat(os.fstat(handle), tmp_path.stat()) else "file")
        assert path.read_bytes() == (b"new" if steps[-1] == "folder" else b"old")
        sync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", lambda one, other: (steps.append("named"), rename(one, other)))
    files.replace(path, b"new")
    assert steps == ["file", "named", "folder"]
    assert [each.name for each in tmp_path.iterdir()] == ["ledger"]


def test_the_old_one_stays_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "ledger"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.replace(path, b"new")
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"ledger": b"old"}
