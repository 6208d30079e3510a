"""Draws from global generators are found in the source, under whatever name."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from seatrial.events import Place
from seatrial.taps.draws import comes_before, draws

SOURCE = """
import random
import random as r
import numpy as np
import numpy.random as npr
from random import shuffle as mix, Random
from numpy.random import rand

random.seed(1)                # 9
own = random.Random(3)        # 10
own.random()
np.random.default_rng(1).random()

def never_called(x):
    mix(x)                    # 15
    return r.gauss(0, 1)      # 16

def nor_this():
    return np.random.permutation(3), npr.normal(), rand()  # 19
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    file = tmp_path / "drawing.py"
    file.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("drawing", file)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "drawing", made)
    spec.loader.exec_module(made)
    return str(file)


def test_draws_are_found_and_nothing_else(module: str) -> None:
    found = {name: [place.line for place in draws(name) if place.file == module] for name in ("random", "numpy.random")}
    assert found == {"random": [15, 16], "numpy.random": [19, 19, 19]}


SEEDING = "\nrandom.seed(seed)"


@pytest.mark.parametrize(
    ("before", "comes"),
    [
        ("seed = random.randint(1, 9)", True),
        ("if given is None:\n    seed = random.randint(1, 9)", False),
        ("seed = given if given is not None else random.randint(1, 9)", False),
        ("seed = given or random.randint(1, 9)", False),
        ("try:\n    seed = int(given)\nexcept TypeError:\n    seed = random.randint(1, 9)", False),
        ("def draw():\n    return random.random()\ndraw()", True),
        ("def draw():\n    return random.random()\nif given:\n    draw()", False),
    ],
)
def test_a_draw_under_a_condition_may_not_have_been_made_before_the_seeding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, comes: bool
) -> None:
    file = tmp_path / "seeding.py"
    file.write_text(f"import random\nseed = given = 3\n{before}{SEEDING}\n")
    monkeypatch.setitem(sys.modules, "seeding", SimpleNamespace(__file__=str(file)))
    (draw,) = [place for place in draws("random") if place.file == str(file)]
    seeding = Place(str(file), len(file.read_text().splitlines()), "<module>")
    assert comes_before(draw, seeding) is comes
