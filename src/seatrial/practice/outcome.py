"""What came of a check or a run: findings, where its report lies, its figures, and an assertion for a test suite."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.catalogue import entry
from seatrial.config import Config
from seatrial.errors import CheckFailed
from seatrial.findings import Finding
from seatrial.launch.reporting import folder_of, judged, runs_at, settings_of
from seatrial.report import terminal
from seatrial.report.model import report
from seatrial.report.sources import shown_path, without_source
from seatrial.verdict import Verdict, judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, repr=False)
class Check:
    """The outcome of a check, or of a run that was loaded. Printed it is the report; in a notebook, the page.

    `folder` holds findings.json, report.html and the record, as after `seatrial run`. `source`: whether what is shown may quote
    lines of source.
    """

    verdict: Verdict
    folder: Path
    config: Config
    source: bool = True

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, the most important first; notes are among them."""
        return self.verdict.findings

    @property
    def shown(self) -> Verdict:
        """The verdict as reports show it."""
        return self.verdict if self.source else without_source(self.verdict)

    @property
    def report(self) -> Path:
        """The page of the report."""
        return self.folder / "report.html"

    def _page(self) -> str:
        """The page that was written, made anew where there is none (of a run that was loaded)."""
        if self.report.is_file():
            return self.report.read_text(encoding="utf-8")
        from seatrial.report import rendered

        return rendered(self.shown, self.folder)

    def plot(self, what: str | None = None) -> Figure:
        """The figures of the report, as a matplotlib figure that a notebook shows.

        Args:
            what: one of them: loss, rate, gradient, updates, layers, dead, saturated, signal or filters; else all.

        Raises:
            UsageProblem: the run has no figure of that name.
        """
        from seatrial.report.plots import plot

        return plot(self.verdict.run, what)

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
            shown = verdict if self.source else without_source(verdict)
            raise CheckFailed(terminal.text(report(shown), self.folder), _summary(alarms, verdict))

    def __repr__(self) -> str:
        return terminal.text(report(self.shown), self.folder)

    def _repr_html_(self) -> str:
        page = html.escape(self._page())
        # In a frame of its own that may do nothing but be read: the notebook's page stays as it is.
        style = "width: 100%; height: 40em; border: 0"
        return f'<iframe sandbox="allow-popups" title="seatrial: report" srcdoc="{page}" style="{style}"></iframe>'


def load(run: str | os.PathLike[str]) -> Check:
    """A run that was recorded before: judged anew, as `seatrial report` does, but nothing is written.

    Args:
        run: the folder that `seatrial run` left, or the record in it.

    Raises:
        UsageProblem: there is no record, or it is damaged.
    """
    place = Path(run)
    runs = runs_at(place)
    config = settings_of(runs[0])
    return Check(judged(runs, config), folder_of(place), config)


def _summary(alarms: list[Finding], verdict: Verdict) -> str:
    """What was found first, where, and how much more there is."""
    first, *others = alarms
    at = [f" at {shown_path(place.file, verdict.run)}:{place.line}" for place in first.where[:1]]
    more = f" and {len(others)} more" if others else ""
    return f"{first.name}{''.join(at)}{more}"
