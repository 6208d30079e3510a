"""A found rate as it is shown: what agrees and what does not, what there is no rate for, strict JSON, a page that loads nothing."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seatrial.measure.found_rates import Found, Swept, Tried
from seatrial.measure.rate_curves import NOTHING, reading
from seatrial.report.rates import FoundRate, as_data, curvature_told, headline, how, lines, page, write

RATES = np.geomspace(1e-5, 10, 60)


def found(**changed: Any) -> FoundRate:
    losses = 2 - 1 / (1 + np.exp(-2 * np.log(RATES / 1e-3))) + np.exp(np.clip(2 * np.log(RATES / 0.5), None, 9))
    swept = Swept(RATES, losses + 0.01 * np.random.default_rng(0).standard_normal((3, 60)))
    swept.losses[1, 55:] = np.inf
    tried = tuple(Tried(0.01 * 2**at, 50, (1 + at**2 / 9, 1.1, 1.2)) for at in range(-1, 3))
    tried += (Tried(0.2, 50, (math.inf, 2.0, 3.0)),)
    seen = Found(
        0.012, 0.012, 0.01, 0.02, (0.01, 0.02), "", 0.1, 50, 50, 3.2, swept, reading(RATES, swept.losses), tried
    )
    inner = {key: value for key, value in changed.items() if hasattr(seen, key)}
    outer = {key: value for key, value in changed.items() if key not in inner}
    return replace(FoundRate(replace(seen, **inner), 40.0, 0.05, "train", "SGD", "new models"), **outer)


def none() -> FoundRate:
    nan = math.nan
    empty = Swept(np.zeros(0), np.zeros((3, 0)))
    why = "the loss does not react to the rate, up to 1e4"
    seen = Found(nan, nan, nan, nan, (nan, nan), why, 0.1, 0, 50, 0.1, empty, NOTHING, ())
    return FoundRate(seen, nan, nan, "train", "Adam", "new models")


def test_the_suggestion_with_its_band_and_what_is_used() -> None:
    assert headline(found()) == "Learning rate: 0.012 (90 % band 0.01 to 0.02; train uses 0.1)"
    assert headline(none()).startswith("No suggestion, because the loss does not react to the rate")


@pytest.mark.parametrize(
    ("limit", "agrees", "words"),
    [
        (0.05, True, "0.24 of that, they agree"),
        (0.004, False, "3 times that, they do not agree"),
        (math.nan, None, "no limit for"),
    ],
)
def test_what_the_curvature_says(limit: float, agrees: bool | None, words: str) -> None:
    each = found(limit=limit)
    assert each.agrees is agrees and words in curvature_told(each)
    assert as_data(each)["agrees_with_curvature"] is agrees


def test_how_it_was_found_says_what_it_rests_on() -> None:
    assert "trainings of up to 50 steps at each of 5 rates" in how(found())
    assert "taken down from 0.012" in how(found(rate=0.006, wanted=200)) and "taken down" not in how(found())
    assert "left as it is" in how(found(rate=0.012, wanted=200))
    assert "no time to try any rate" in how(found(tried=(), steps=0))
    assert lines(none())[1:] == []


def test_the_json_is_strict_and_holds_the_curves(tmp_path: Path) -> None:
    write(found(), tmp_path)
    data = json.loads((tmp_path / "rate.json").read_text(), parse_constant=lambda text: pytest.fail(text))
    assert data["rate"] == 0.012 and data["band"] == [0.01, 0.02]
    assert len(data["sweep"]["rates"]) == 60 and data["sweep"]["losses"][1][-1] == "inf"
    assert data["tried"][-1]["losses"][0] == "inf"
    write(none(), tmp_path)
    assert json.loads((tmp_path / "rate.json").read_text())["rate"] is None


def test_the_page_draws_both_curves_the_band_and_loads_nothing() -> None:
    text = page(found(name="<train>"))
    assert "<train>" not in text and "&lt;train&gt;" in text
    assert text.count("<figure") == 2
    for words in ("two standard errors", "suggestion 0.012", "limit of stability 0.05", "mean of the seeds", "band"):
        assert words in text
    assert not re.search(r"(src|href)=\"(?!data:)", text)
    assert page(none()).count("<figure") == 0


def test_it_prints_as_in_a_terminal() -> None:
    assert str(found()).splitlines() == lines(found())
    assert "iframe" in found()._repr_html_()
