"""What came of a check: findings, where its report lies, and an assertion for a test suite."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from seatrial.catalogue import entry
from seatrial.config import Config
from seatrial.errors import CheckFailed
from seatrial.findings import Finding
from seatrial.report import terminal
from seatrial.report.model import report
from seatrial.report.sources import shown_path
from seatrial.verdict import Verdict, judge


@dataclass(frozen=True, slots=True, repr=False)
class Check:
    """The outcome of a check. Printed it is the report; in a notebook, the page.

    `folder` holds findings.json, report.html and the record, as after `seatrial run`.
    """

    verdict: Verdict
    folder: Path
    config: Config

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, the most important first; notes are among them."""
        return self.verdict.findings

    @property
    def report(self) -> Path:
        """The page of the report."""
        return self.folder / "report.html"

    def assert_clean(self, ignore: str | Iterable[str] = ()) -> None:
        """Fail where an error or a warning was found.

        Args:
            ignore: names of findings that are meant so.

        Raises:
            CheckFailed: (an AssertionError) something was found; its text is the report.
            UsageProblem: no finding has one of the names.
        """
        __tracebackhide__ = True
        names = [ignore] if isinstance(ignore, str) else list(ignore)
        ignored = {entry(name).name: "asked by the assertion" for name in names}
        verdict = self.verdict
        if ignored:
            verdict = judge(verdict.run.events, replace(self.config, ignore={**self.config.ignore, **ignored}))
        if alarms := [finding for finding in verdict.findings if finding.severity != "note"]:
            raise CheckFailed(terminal.text(report(verdict), self.folder), _summary(alarms, verdict))

    def __repr__(self) -> str:
        return terminal.text(report(self.verdict), self.folder)

    def _repr_html_(self) -> str:
        page = html.escape(self.report.read_text(encoding="utf-8"))
        # In a frame of its own that may do nothing but be read: the notebook's page stays as it is.
        style = "width: 100%; height: 40em; border: 0"
        return f'<iframe sandbox="allow-popups" title="seatrial: report" srcdoc="{page}" style="{style}"></iframe>'


def _summary(alarms: list[Finding], verdict: Verdict) -> str:
    """What was found first, where, and how much more there is."""
    first, *others = alarms
    at = [f" at {shown_path(place.file, verdict.run)}:{place.line}" for place in first.where[:1]]
    more = f" and {len(others)} more" if others else ""
    return f"{first.name}{''.join(at)}{more}"
