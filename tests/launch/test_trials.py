"""Trials change nothing of the program, whenever they are made; what they show stands in the record."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from running import python, seatrial

from seatrial.events import Forked, RunEnded, Untrained
from seatrial.record import NAME, read

PROGRAM = Path(__file__).parent / "programs" / "draws_and_trains.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(PROGRAM, tmp_path / "train.py")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [["--trials", "full"], ["--trials", "quick"], ["--trials", "off"], ["--trials-first"]], ids=" ".join
)
def test_random_numbers_and_weights_are_the_programs_own(folder: Path, options: list[str]) -> None:
    assert seatrial(folder, *options, "train.py").out == python(folder, "train.py").out


@pytest.mark.slow
def test_trials_at_the_first_step_come_before_the_end_and_proofs_after_it(folder: Path) -> None:
    ended = seatrial(folder, "--trials-first", "train.py")
    assert ended.status == 0
    kinds = [type(event) for event in read(folder / "out-of-seatrial" / NAME)]
    assert kinds.count(Untrained) == 1
    assert kinds.index(Untrained) < kinds.index(RunEnded) < kinds.index(Forked)


@pytest.mark.slow
def test_without_trials_nothing_is_tried(folder: Path) -> None:
    seatrial(folder, "--trials", "off", "train.py")
    events = read(folder / "out-of-seatrial" / NAME)
    assert not any(isinstance(event, Forked | Untrained) for event in events)
    first = json.loads((folder / "out-of-seatrial" / "findings.json").read_text())["findings"][0]
    assert (first["name"], first["proof"]) == ("model.softmax-before-cross-entropy", None)


@pytest.mark.slow
def test_a_run_says_what_is_wrong_before_it_trains_on(folder: Path) -> None:
    out = folder / "out"
    told = python(folder, "-m", "seatrial", "run", "--trials-first", "--out", str(out), "train.py").err
    assert told.startswith("seatrial: before training: model.softmax-before-cross-entropy: ")
