"""Small whole programs in tests/scripts, each with what is to be said of it in its first line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from page_server import Server

SCRIPTS = sorted(Path(__file__).with_name("scripts").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_told_what_its_first_line_says(script: Path, server: Server, tmp_path: Path) -> None:
    text = script.read_text()
    expected = re.match(r"# says (nothing|[\w.-]+): ", text)
    assert expected is not None
    told = server.findings(text, tmp_path)
    alarms = {name for name, severity in told.items() if severity in ("error", "warning")}
    assert alarms == (set() if expected[1] == "nothing" else {expected[1]})


@pytest.mark.slow
def test_padding_that_the_loss_ignores_makes_guessing_no_easier(server: Server, tmp_path: Path) -> None:
    script = Path(__file__).with_name("scripts") / "padding_that_the_loss_ignores.py"
    assert "optimisation.underfitting" not in server.findings(script.read_text(), tmp_path)  # not even as a note
