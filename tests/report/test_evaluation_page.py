"""The page of an evaluation, from its figures alone: charts for what there is, and no more than can be read."""

from __future__ import annotations

import pytest

from seatrial.report.evaluation import page
from seatrial.report.evaluation_charts import charts


def figure(name, value, interval=True):
    found = {"low": value - 0.05, "high": value + 0.05, "level": 0.95, "method": "Wilson"} if interval else None
    return {
        "name": name,
        "value": value,
        "interval": found,
        "highest": True,
        "baseline": 0.1,
        "against": "x",
        "spread": None,
    }


def bins(shift):
    return {
        "bins": [
            {
                "examples": 20,
                "confidence": at / 10,
                "right": at / 10 + shift,
                "low": at / 10 - 0.1,
                "high": at / 10 + 0.1,
            }
            for at in range(2, 9)
        ]
    }


@pytest.fixture
def of():
    classes = [{"name": str(at), "examples": 10 + at, "figures": [figure(f"recall of {at}", 0.5)]} for at in range(8)]
    curve = {"recall": [0.0, 0.5, 1.0], "precision": [1.0, 0.8, 0.3]}
    return {
        "kind": "multiclass",
        "model": "net",
        "data": "",
        "examples": 12345,
        "level": 0.95,
        "seeds": [0],
        "figures": [figure("accuracy", 0.5), figure("F1", 0.4, False)],
        "averaged": [],
        "classes": classes,
        "names": [str(at) for at in range(8)],
        "confusion": [[int(at == to) * 9 + 1 for to in range(8)] for at in range(8)],
        "curves": [{"name": str(at), **curve} for at in range(8)],
        "calibration": {"before": bins(0.1), "after": bins(0.0), "temperature": 1.7},
        "slices": {"error": "share of wrong answers", "tried": 4, "worse": []},
        "sentences": ["The accuracy is 0.5.", "Nothing else."],
    }


def test_a_page_shows_what_there_is(of):
    text = page(of)
    for words in (
        "The accuracy is 0.5.",
        "12,345 examples",
        "Recall of each class",
        "Reliability",
        "Confusions",
        "0.45 to 0.55",
    ):
        assert words in text
    assert "Slices that do worse" not in text
    of["slices"]["worse"] = [
        {"column": "age", "value": "old", "examples": 40, "error": 0.4, "others": 0.1, "chance": 0.001}
    ]
    assert "age: old" in page(of)


def test_charts_are_of_shares(of):
    recalls, reliability, curves = charts(of)
    assert len(recalls.bars) == 8
    assert [tick.text for tick in reliability.across][-1] == "1"
    assert {line.label for line in reliability.drawn} == {
        "as it is",
        "temperature 1.70",
        "if calibrated, 95 % of draws",
    }
    assert curves.title == "Precision over recall, the 6 rarest" and len(curves.drawn) == 6
    assert "steps" not in curves.words


def test_without_probabilities_there_is_less(of):
    of |= {"calibration": None, "curves": [], "classes": [], "confusion": None, "slices": None, "kind": "regression"}
    assert charts(of) == []
    assert "Pictures" not in page(of) and "Confusions" not in page(of)
