"""The bundled examples and the README's screen: what a newcomer sees first is what the program says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCREEN_BEGINS, SCREEN_ENDS = "$ seatrial run examples/digits.py", "Watching took"


def run(script: str, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "seatrial", "run", "--strict", "--out", str(out), script],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.slow
def test_the_readme_shows_what_is_said_of_the_faulty_example(tmp_path: Path) -> None:
    done = run("examples/digits.py", tmp_path / "out")
    assert done.returncode == 1
    readme = (ROOT / "README.md").read_text()
    shown = readme.split(SCREEN_BEGINS, 1)[1].split(SCREEN_ENDS, 1)[0].splitlines()
    printed = {_settled(line.strip()) for line in (done.stdout + done.stderr).splitlines()}
    missing = [line for each in shown if (line := _settled(each.strip())) and line != "..." and line not in printed]
    # Digits after the point of the training's own figures may differ between processors.
    assert [line for line in missing if not line.startswith(("epoch", "test accuracy"))] == []


def _settled(line: str) -> str:
    """A line without the figures of trials: how many steps they make depends on the speed of the machine."""
    return re.sub(r"\d[\d.]*(e-?\d+)?", "#", line) if line.startswith(("Proven", "Trials")) else line


@pytest.mark.slow
def test_nothing_is_said_of_the_mended_example(tmp_path: Path) -> None:
    done = run("examples/digits_fixed.py", tmp_path / "out")
    assert done.returncode == 0
    assert "Nothing wrong was found" in done.stderr
