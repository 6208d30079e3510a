"""What a person (or another program) reads of a verdict: findings.json, report.html and a screen in the terminal.

Reports only render: `model` turns a verdict into plain data, everything else prints it.
"""

from __future__ import annotations

from pathlib import Path

from seatrial.verdict import Verdict


def write(verdict: Verdict, folder: Path) -> None:
    """Leave findings.json and report.html in a folder (made if need be); the first even if the second fails."""
    from seatrial.report import json

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "findings.json").write_text(json.render(verdict), encoding="utf-8")
    (folder / "report.html").write_text(rendered(verdict, folder), encoding="utf-8", errors="replace")


def rendered(verdict: Verdict, folder: Path) -> str:
    """The text of report.html; `folder` may hold what was said of a training's curves."""
    from seatrial.report import html, readings
    from seatrial.report.model import report

    return html.render(report(verdict), readings.told(folder))


def show(verdict: Verdict, folder: Path) -> None:
    """Print what matters to stderr, and the commands that lead further."""
    from seatrial.report import terminal
    from seatrial.report.model import report

    terminal.show(report(verdict), folder)
