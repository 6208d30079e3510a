"""Without source: no report quotes a line of the program, whatever its findings say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import sample_run as sample
from click.testing import CliRunner

from seatrial import report
from seatrial.cli import group
from seatrial.record import NAME, Recorder
from seatrial.report import junit, sarif, terminal
from seatrial.report.model import report as model
from seatrial.report.sources import LEFT_OUT, without_source
from seatrial.verdict import Verdict

LINES = {line.strip() for line in sample.SOURCE.splitlines() if len(line.strip()) > 12}


def told() -> Verdict:
    """Findings that quote the program in all ways: lines, a line as a figure, code in a sentence, a mend."""
    line = "loss = criterion(model(x), y)"
    assert line in LINES
    mended = replace(
        sample.softmax(),
        message=f"`{line}` is wrong, and so is `model(x)`, but `Reader` is well.",
        remedy=f"Take `{line}` away.",
        evidence={"made_by": "softmax", "loop": line},
    )
    return sample.verdict(mended, sample.unseeded(), also=sample.tried())


def quoted(text: str) -> set[str]:
    plain = text.replace("&#39;", "'").replace("&#34;", '"').replace("&quot;", '"').replace("&lt;", "<")
    return {line for line in LINES if line in plain}


def everything(verdict: Verdict, folder: Path) -> dict[str, str]:
    """All reports of a verdict as text; the page without the spans of its colours."""
    report.write(verdict, folder)
    page = (folder / "report.html").read_text()
    while '<span class="py-' in page:
        start = page.index('<span class="py-')
        end = page.index("</span>", start)
        page = page[:start] + page[page.index(">", start) + 1 : end] + page[end + len("</span>") :]
    return {
        "page": page,
        "findings.json": (folder / "findings.json").read_text(),
        "terminal": terminal.text(model(verdict), folder),
        "SARIF": json.dumps(json.loads(sarif.render(verdict))["runs"][0]["results"]),  # apart from the rules' own pages
        "JUnit": junit.render(verdict),
    }


def test_with_source_lines_are_quoted(tmp_path: Path) -> None:
    assert all(quoted(text) for text in everything(told(), tmp_path).values())


def test_without_it_none_is(tmp_path: Path) -> None:
    reports = everything(without_source(told()), tmp_path)
    assert {name: quoted(text) for name, text in reports.items()} == {name: set() for name in reports}
    assert LEFT_OUT in reports["page"]
    assert "<code>Reader</code> is well" in reports["page"]
    assert f"digits.py:{sample.softmax().where[0].line}" in reports["terminal"]
    assert 'class="quote diff"' not in reports["page"]
    assert 'role="img"' in reports["page"]


@pytest.mark.parametrize("option", [[], ["--no-source"]])
def test_a_record_is_reported_without_its_source(
    option: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seatrial.launch.reporting.judge", lambda events, config: told())
    recorder = Recorder(tmp_path / NAME)
    for event in sample.events():
        recorder.send(event)
    recorder.close()
    outcome = CliRunner().invoke(group, ["report", *option, str(tmp_path)])
    assert outcome.exit_code == 0, outcome.output
    assert (tmp_path / "report.html").exists()
    shown = outcome.output + (tmp_path / "report.html").read_text()
    assert bool(quoted(outcome.output)) is not bool(option)
    assert ('class="quote diff"' in shown) is not bool(option)
