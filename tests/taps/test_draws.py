"""Draws from global generators are found in the source, under whatever name."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from seatrial.taps.draws import draws

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
