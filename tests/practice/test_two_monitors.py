"""A loop written by hand in two processes: their Monitors tell one truth, and change nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from seatrial.events import GradientPair, Losses, RunEnded
from seatrial.history import Run
from seatrial.record import NAME, read

PROGRAM = Path(__file__).with_name("two_monitored.py")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="torch has no gloo here"),
]


def run(out: Path, *words: str) -> list[dict[str, Any]]:
    """Train; what each process tells."""
    out.mkdir()
    done = subprocess.run([sys.executable, str(PROGRAM), str(out), *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [json.loads((out / f"told-{rank}.json").read_text()) for rank in (0, 1)]


def weights(out: Path, rank: int) -> dict[str, torch.Tensor]:
    return torch.load(out / f"weights-{rank}.pt", weights_only=True)


def test_two_monitors_tell_one_truth_and_change_nothing(tmp_path: Path) -> None:
    plain, watched = tmp_path / "plain", tmp_path / "watched"
    run(plain, "plain")
    first, second = run(watched)
    for rank in (0, 1):
        found, expected = weights(watched, rank), weights(plain, 0)
        assert all(torch.equal(found[name], expected[name]) for name in expected)

    assert (watched / "run-0" / "report.html").exists() and not (watched / "run-1").exists()
    assert json.loads((watched / "run-0" / "findings.json").read_text())["findings"] == []
    record = Run.of(read(watched / "run-0" / NAME))
    (ended,) = record.every(RunEnded)
    assert (ended.status, ended.optimizer_steps) == ("completed", 18)

    # Losses are of the first process's share of the batches, gradients of all.
    assert [value for each in record.every(Losses) for value in each.values] == first["losses"] != second["losses"]
    assert first["norms"] == second["norms"]
    pairs = record.every(GradientPair)
    assert len(pairs) > 3 and all(pair.backwards == 2 for pair in pairs)
    for pair in pairs:
        assert [pair.first, pair.second] == pytest.approx(first["norms"][pair.tick - 1 : pair.tick + 1], rel=1e-5)
