"""The screen after a run: what a tired person reads."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
import sample_run as sample
from rich.cells import cell_len

from seatrial.config import Config
from seatrial.report import model, terminal
from seatrial.verdict import Unused, Verdict


def screen(verdict: Verdict, monkeypatch: pytest.MonkeyPatch, width: int = 90, encoding: str = "utf-8") -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    raw = io.BytesIO()
    to = io.TextIOWrapper(raw, encoding=encoding, errors="backslashreplace", write_through=True)
    monkeypatch.setattr(terminal.sys, "stderr", to)
    terminal.show(model.report(verdict), Path("seatrial-runs/one"))
    return raw.getvalue().decode(encoding)


def test_the_whole_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal.sys, "platform", "linux")
    found = screen(sample.verdict(sample.softmax(), sample.underfitting(), sample.unseeded()), monkeypatch)
    line, call = sample.softmax().where
    assert found.splitlines() == [
        "",
        "seatrial  digits.py · completed · 304 steps",
        "The program is wrong in 1 place.",
        "",
        "ERROR  model.softmax-before-cross-entropy  certain",
        "  softmax is applied to the 10 outputs that cross_entropy takes as logits, so the loss",
        "  cannot fall below 1.46 and stood at 1.67 after 304 steps.",
        f"  digits.py:{line.line} in forward",
        "  ▌ return torch.softmax(self.out(x), dim=1)",
        f"  digits.py:{call.line}",
        "  ▌ loss = criterion(model(x), y)",
        "  classes 10 · lowest possible loss 1.461 · loss at end 1.674 · steps 304",
        "  → Return the logits from forward, and apply softmax only where probabilities are wanted.",
        "  It explains: optimisation.underfitting",
        "",
        "1 note: loop.unseeded-run.",
        "Not looked at: 1 thing, listed in the report.",
        "Watching took 0.2 s, 2.7 % of the run.",
        "Full report:  xdg-open seatrial-runs/one/report.html",
        "Why it harms: seatrial explain model.softmax-before-cross-entropy",
    ]


def test_a_proof_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    proof = {"fix": "softmax removed", "loss_without": 1.91, "loss_with": 0.31, "steps": 60}
    found = screen(sample.verdict(replace(sample.softmax(), proof=proof)), monkeypatch, 110)
    assert "Proven: with the fix (softmax removed) the loss is 0.31 instead of 1.91 after 60 steps." in found


def test_losses_of_forks_are_said_to_be_measured_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    found = screen(sample.verdict(sample.softmax(), also=sample.tried()), monkeypatch, 110)
    assert "Copies were trained both ways; both losses are measured with the fix." in found


def test_what_was_tried_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    found = screen(sample.verdict(sample.softmax(), also=sample.tried()), monkeypatch, 110).splitlines()
    assert found.count("ERROR  model.softmax-before-cross-entropy  proven") == 1
    told = next(line for line in found if line.startswith("Trials"))
    assert told.rstrip().startswith(
        "Trials: 1 finding proven; 1 suspicion not proven; gradients of 2 functions checked"
    )
    assert "Not looked at: 2 things, listed in the report." in found
    assert len(found) < 30


def test_nothing_is_told_of_trials_that_were_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Trials" not in screen(sample.verdict(sample.softmax()), monkeypatch)


def test_nothing_found_is_no_praise_of_what_was_not_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    found = screen(sample.verdict(), monkeypatch)
    assert "Nothing wrong was found in what was watched." in found
    assert "Not looked at: 1 thing" in found
    assert "explain" not in found


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = replace(sample.softmax(), message="漢字 🦭 " * 40 + "x" * 300, remedy="wider than all terminals " * 20)
    found = screen(sample.verdict(wide, sample.unseeded()), monkeypatch, width).splitlines()
    commands = ("  xdg-open ", "  open ", "  seatrial explain ")  # to be copied in one piece: the terminal breaks them
    assert max(cell_len(line) for line in found if not line.startswith(commands)) <= min(width, terminal.WIDEST)


def test_many_findings_fit_on_one_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"model.{each}" for each in ("dead-units", "order-lost", "input-ignored", "examples-mixed", "odd", "even")]
    many = [replace(sample.underfitting(), name=name, confidence=0.9 - at / 10) for at, name in enumerate(names)]
    found = screen(sample.verdict(*many), monkeypatch).splitlines()
    assert len(found) < 50
    assert [line.split()[1] for line in found if line.startswith("WARNING")] == names
    assert found[-6].split() == ["WARNING", "model.even", f"digits.py:{many[0].where[0].line}"]


def test_two_errors_in_one_line_are_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(sample.softmax(), name="model.examples-mixed")
    assert "The program is wrong in 1 place.\n" in screen(sample.verdict(sample.softmax(), other), monkeypatch)
    elsewhere = replace(other, where=other.where[1:])
    assert "The program is wrong in 2 places.\n" in screen(sample.verdict(sample.softmax(), elsewhere), monkeypatch)


def test_a_long_list_of_names_is_begun_only(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = {"parameters": [f"features.net.stem.{at}.weight" for at in range(8)], "cut": "detach"}
    found = screen(sample.verdict(replace(sample.softmax(), evidence=evidence)), monkeypatch)
    assert "  parameters features.net.stem.0.weight, ... · cut detach\n" in found


def test_a_long_exception_is_begun_only(monkeypatch: pytest.MonkeyPatch) -> None:
    found = screen(
        sample.hostile("missing keys:\n" + "layer.weight, " * 500 + "漢字" * 500), monkeypatch, 60
    ).splitlines()
    at = next(at for at, line in enumerate(found) if line.startswith("The script failed"))
    assert found[at + 2].endswith("…") and found[at + 3] == ""
    assert max(map(cell_len, found)) <= 60


def test_a_command_stays_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    found = screen(sample.verdict(sample.softmax()), monkeypatch, 40).splitlines()
    assert found[-2:] == ["Why it harms:", "  seatrial explain model.softmax-before-cross-entropy"]


def test_suppressions_are_counted_with_their_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = sample.verdict(sample.softmax(), sample.unseeded(), config=Config(ignore={"loop.unseeded-run": ""}))
    found = screen(replace(verdict, unused=(Unused("model.dead-units", "net.py:3"),)), monkeypatch)
    assert "1 finding suppressed: loop.unseeded-run (no reason given).\n" in found
    assert "1 suppression with nothing to suppress: model.dead-units at net.py:3.\n" in found


def test_colours_only_where_they_are_seen_and_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    def sent(**environment: str) -> str:
        for name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {"TERM": "xterm-256color", **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(terminal.sys, "stderr", to := Screen())
        terminal.show(model.report(sample.verdict(sample.softmax())), Path("seatrial-runs/one"))
        return to.getvalue()

    assert "\x1b[1;31mERROR" in sent()
    assert "\x1b[1mERROR" in sent(NO_COLOR="1")  # no colour; bold is none
    assert "\x1b" not in sent(TERM="dumb")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in terminal.text(model.report(sample.verdict(sample.softmax())), Path("one"))


def test_a_figure_is_not_torn_from_its_label(monkeypatch: pytest.MonkeyPatch) -> None:
    found = screen(sample.verdict(sample.softmax()), monkeypatch, 44).splitlines()
    figures = [line.strip() for line in found if "loss 1.461" in line or "loss at end" in line]
    assert figures == ["classes 10 · lowest possible loss 1.461", "loss at end 1.674 · steps 304"]


def test_no_colours_where_nobody_sees_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in screen(sample.verdict(sample.softmax()), monkeypatch)


def test_what_the_terminal_would_obey_is_shown_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    found = screen(sample.hostile("\x1b[31mred\x07 [bold]not bold[/bold] \u202e"), monkeypatch, 200)
    assert "\x1b" not in found
    assert "\x07" not in found
    assert "\u202e" not in found
    assert "\\x1b[31mred\\x07 [bold]not bold[/bold]" in found


def test_a_terminal_without_unicode_gets_signs_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    found = screen(sample.verdict(sample.softmax()), monkeypatch, encoding="ascii")
    assert "| return torch.softmax(self.out(x), dim=1)" in found
    assert "-> Return the logits" in found
    assert "\\u" not in found


def test_a_failed_run_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    found = screen(sample.hostile("boom"), monkeypatch)
    assert "The script failed at digits.py:2: ValueError: boom" in found
