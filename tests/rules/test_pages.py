"""The programs on the pages of the rules: under *Faulty* each yields its finding, under *Fixed* it does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from page_server import Server

from seatrial import catalogue
from seatrial.rules import HEADINGS, discover

NAMES = sorted(discover())
# What only copies that are trained after the script has ended can show.
TRAINED = frozenset({"optimisation.cannot-overfit-subset"})


def program(page: str, heading: str) -> str:
    section = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"```python\n(.*?)```", section, re.S)
    assert len(found) == 1, f"{heading} holds {len(found)} programs"
    return found[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_all_headings_in_order_and_an_entry_in_the_catalogue(name: str) -> None:
    assert tuple(re.findall(r"^## (.*)$", discover()[name].page, re.M)) == HEADINGS
    assert name in catalogue.entries()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_faulty_program_yields_the_finding(name: str, server: Server, tmp_path: Path) -> None:
    trials = "full" if name in TRAINED else "quick"
    assert name in server.findings(program(discover()[name].page, "Faulty"), tmp_path, trials)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_fixed_program_yields_no_alarm(name: str, server: Server, tmp_path: Path) -> None:
    trials = "full" if name in TRAINED else "quick"
    told = server.findings(program(discover()[name].page, "Fixed"), tmp_path, trials)
    assert [each for each, severity in told.items() if severity != "note"] == []
    assert name not in told
