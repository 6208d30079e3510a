"""Two processes train as one does, and tell one truth."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

PROGRAM = Path(__file__).with_name("two_processes.py")
pytest.importorskip("lightning_fabric")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="torch has no gloo here"),
]


def run(*words: str | Path, status: int | None = 0) -> None:
    done = subprocess.run([sys.executable, *map(str, (PROGRAM, *words))], capture_output=True, text=True, timeout=300)
    assert status is None or done.returncode == status, done.stderr


def history(folder: Path) -> list[dict[str, Any]]:
    epochs = json.loads((folder / "history.json").read_text())
    return [{key: value for key, value in epoch.items() if key != "seconds"} for epoch in epochs]


def same_in_both(folder: Path) -> bool:
    one, other = (torch.load(folder / f"rank-{rank}.pt", weights_only=True) for rank in (0, 1))
    return all(torch.equal(one[name], other[name]) for name in one)


def test_two_processes_learn_what_one_does_though_nothing_divides_evenly(tmp_path):
    run("plain", 1, tmp_path / "one")
    run("plain", 2, tmp_path / "two")
    assert same_in_both(tmp_path / "two")
    for one, two in zip(history(tmp_path / "one"), history(tmp_path / "two"), strict=True):
        assert one["steps"] == two["steps"] == 8
        assert two["training"] == pytest.approx(one["training"], rel=1e-5)
        assert two["validation"] == pytest.approx(one["validation"], rel=1e-5)
        assert two["metrics"]["accuracy"] == pytest.approx(one["metrics"]["accuracy"], abs=1e-6)


def test_two_processes_go_on_together_after_one_was_interrupted(tmp_path):
    run("normed", 2, tmp_path / "alone")
    assert same_in_both(tmp_path / "alone")
    run("normed", 2, tmp_path / "cut", "cut", status=None)
    saved = torch.load(tmp_path / "cut" / "state.pt", weights_only=True)
    assert (len(saved["epochs"]), saved["batch"]) == (1, 8)  # the end of the epoch in which the signal came
    run("normed", 2, tmp_path / "cut", "resume")
    assert history(tmp_path / "cut") == history(tmp_path / "alone")
    for name in ("best.safetensors", "last.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
