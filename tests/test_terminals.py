"""What may be sent to a terminal."""

from __future__ import annotations

import io

import pytest

from seatrial import terminals


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_text_that_a_terminal_would_obey_becomes_visible() -> None:
    obeyed = "a\x1b[31mb\x9b31m\rc\x00\x7f\u202e\u2028\ud800\td"
    assert terminals.printable(obeyed) == r"a\x1b[31mb\x9b31m\rc\x00\x7f\u202e\u2028\ud800\td"
    assert terminals.printable("häuser 漢字 🦭\nend") == "häuser 漢字 🦭\nend"


@pytest.mark.parametrize(
    ("asked", "columns"), [("120", 120), ("3", terminals.LEAST), ("0", 80), ("", 80), ("wide", 80)]
)
def test_the_width_that_is_asked_for_counts(asked: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", asked)
    assert terminals.columns(io.StringIO()) == columns


def test_only_a_terminal_that_can_wipe_a_line_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "30")
    assert terminals.on_a_line_of_its_own(Screen()) == "\n"  # its width is not known: COLUMNS may be wrong
    assert terminals.on_a_line_of_its_own(io.StringIO()) == ""
    assert not terminals.is_terminal(None)
    monkeypatch.setenv("TERM", "dumb")
    assert terminals.on_a_line_of_its_own(Screen()) == ""
