"""`seatrial explain` prints the page of a finding so that it can be read in a terminal."""

import io

import pytest

from seatrial.catalogue import entry
from seatrial.report import page

PAGE = """model.dead-units: many rectified units are 0 for all examples.

## What it finds
A layer whose `relu` outputs are **0** for every example.

## Faulty
```python
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU())  # [bold]
```
"""


def printed(text: str, monkeypatch: pytest.MonkeyPatch, width: int = 80) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    to = io.StringIO()
    page.show(text, entry("model.dead-units"), to)
    return to.getvalue()


def test_the_page_of_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [line.strip() for line in printed(PAGE, monkeypatch).splitlines() if line.strip()]
    assert found == [
        "model.dead-units",
        "A large share of a layer's rectified units output zero for every example.",
        "Practice: monitor weights and activations.",
        "What it finds",
        "A layer whose relu outputs are 0 for every example.",
        "Faulty",
        "model = nn.Sequential(nn.Linear(4, 8), nn.ReLU())  # [bold]",
    ]


def test_a_finding_without_a_rule_still_has_its_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    found = printed("", monkeypatch)
    assert "rectified units output zero" in found
    assert "No rule finds this yet." in found
