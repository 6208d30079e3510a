"""The screen after a run: what is wrong, in which line, what mends it. Goes to stderr, never into the script's output.

Everything that comes from outside (messages, source, names) is printed as text: no markup, no control characters."""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from seatrial.numbers import counted, percent, seconds
from seatrial.report.model import Report, Shown
from seatrial.report.proofs import proof_sentence
from seatrial.report.trials import summary
from seatrial.terminals import columns, on_a_line_of_its_own, printable

IN_FULL = 4  # findings shown with all that belongs to them; the rest in a line each, so that it stays one screen
FIGURES = 5  # figures of a finding; the report has all
WIDEST_FIGURE = 48  # columns: of a list of many names the first tell enough
STYLES = {"error": "bold red", "warning": "bold yellow", "note": "cyan"}
WIDEST = 110  # columns: longer lines are hard to read
LINES_OF_AN_EXCEPTION = 3  # all of it stands above, where the script has shown it


def show(report: Report, folder: Path) -> None:
    """Print the screen of a report whose files lie in `folder` to stderr."""
    if sys.stderr is not None:  # pyright: ignore[reportUnnecessaryComparison]  # a process without a console has none
        sys.stderr.write(on_a_line_of_its_own(sys.stderr))
        _print(report, folder, sys.stderr)


def text(report: Report, folder: Path) -> str:
    """The same as text, without colours."""
    to = io.StringIO()
    _print(report, folder, to, plain=True)
    return to.getvalue()


def _print(report: Report, folder: Path, to: TextIO, plain: bool = False) -> None:
    console = Console(
        file=to,
        width=min(columns(to), WIDEST),
        height=25,  # of no importance, but without it rich takes 80 columns for a dumb terminal
        force_terminal=False if plain else None,
        force_jupyter=False,  # there rich would display it instead of writing it
        highlight=False,
        markup=False,
        emoji=False,
    )
    screen = _Screen(console)
    screen.head(report)
    for finding in report.findings[:IN_FULL]:
        screen.finding(finding)
    screen.rest(report.findings[IN_FULL:])
    screen.foot(report, folder)


class _Screen:
    """The parts of the screen, from top to bottom."""

    def __init__(self, console: Console) -> None:
        self.console = console
        plain = not console.encoding.startswith("utf")
        self.bar, self.arrow, self.dot = ("|", "->", "-") if plain else ("▌", "→", "·")

    def line(self, *parts: str | tuple[str, str], indent: int = 0, mark: str = "", most: int = 0) -> None:
        """Print a text, wrapped beside its indentation and mark, its first `most` lines if that is given."""
        clean = [printable(part) if isinstance(part, str) else (printable(part[0]), part[1]) for part in parts]
        beside = " " * indent + (f"{mark} " if mark else "")
        width = self.console.width - cell_len(beside)
        lines = Text.assemble(*clean).wrap(self.console, width)
        for at, each in enumerate(lines[:most] if most else lines):
            if at + 1 == most < len(lines):
                each.truncate(width - 1)
                each.append("…" if self.bar != "|" else "")
            each.rstrip()
            start = (beside, "bold green") if at == 0 else " " * cell_len(beside)
            self.console.print(Text.assemble(start, each), no_wrap=True, overflow="ignore", crop=False)

    def head(self, report: Report) -> None:
        style = next((STYLES[each.severity] for each in report.findings[:1]), "bold green")
        self.console.print()
        steps = counted(report.observation.steps, "step")
        name = report.script if len(report.script) < self.console.width // 2 else Path(report.script).name
        self.line(("seatrial", "bold"), (f"  {name} {self.dot} {report.status} {self.dot} {steps}", "dim"))
        self.line((report.headline, style))
        if report.ending:
            self.line(report.ending, most=LINES_OF_AN_EXCEPTION)

    def finding(self, finding: Shown) -> None:
        self.console.print()
        style = STYLES[finding.severity]
        self.line((finding.severity.upper(), style), "  ", (finding.name, "bold"), (f"  {_sureness(finding)}", "dim"))
        self.line(finding.message, indent=2)
        for quote in finding.quotes[:2]:
            inside = f" in {quote.function}" if quote.function and not quote.function.startswith("<") else ""
            self.line((f"{quote.file}:{quote.line}", "underline"), (inside, "dim"), indent=2)
            if quote.code:
                self.code(quote.code, style)
        if finding.figures:
            figures = [printable(f"{label} {_short(value)}") for label, value in finding.figures[:FIGURES]]
            for line in packed(figures, f" {self.dot} ", self.console.width - 2):
                self.line((line, "dim"), indent=2)
        if finding.proof:
            self.line(proof_sentence(finding.proof), indent=2)
            if "control" in finding.proof:  # of forks: a loss without the fix may lie below what the program can print
                self.line(("Copies were trained both ways; both losses are measured with the fix.", "dim"), indent=2)
        if finding.remedy:
            self.line(finding.remedy, indent=2, mark=self.arrow)
        if finding.folded:
            names = ", ".join(each.name for each in finding.folded)
            self.line((f"It explains: {names}", "dim"), indent=2)

    def code(self, code: str, style: str) -> None:
        """A line of code, in one line whatever its length: it is there to be recognised."""
        text = Text.assemble((f"  {self.bar} ", style), (printable(code), "bold"))
        self.console.print(text, no_wrap=True, overflow="ellipsis")

    def rest(self, findings: Sequence[Shown]) -> None:
        if findings:
            self.console.print()
        for finding in findings:
            place = f"  {finding.quotes[0].file}:{finding.quotes[0].line}" if finding.quotes else ""
            self.line((finding.severity.upper(), STYLES[finding.severity]), f"  {finding.name}", (place, "dim"))

    def foot(self, report: Report, folder: Path) -> None:
        self.console.print()
        for sentence in _counts(report):
            self.line((sentence, "dim"))
        opener = "open" if sys.platform == "darwin" else "xdg-open"
        self.command("Full report:  ", f"{opener} {shlex.quote(_near(folder / 'report.html'))}")
        if report.findings:
            self.command("Why it harms: ", f"seatrial explain {report.findings[0].name}")

    def command(self, label: str, words: str) -> None:
        """A command to be copied: in one piece, on a line of its own where it does not fit beside its label."""
        if cell_len(label + words) > self.console.width:
            self.line((label, "dim"))
            label = "  "
        shown = Text.assemble((label, "dim"), printable(words))
        self.console.print(shown, no_wrap=True, overflow="ignore", crop=False)


def packed(parts: Sequence[str], between: str, width: int) -> list[str]:
    """The parts in as few lines as they take, none broken that fits into one."""
    lines: list[str] = []
    for part in parts:
        if lines and cell_len(lines[-1] + between + part) <= width:
            lines[-1] += between + part
        else:
            lines.append(part)
    return lines


def _short(figure: str) -> str:
    """A figure, of a long list its beginning."""
    if cell_len(figure) <= WIDEST_FIGURE:
        return figure
    begun = set_cell_size(figure, WIDEST_FIGURE).rstrip()
    return f"{begun.rpartition(', ')[0] or begun}, ..."


def _near(path: Path) -> str:
    """A path as it is typed here: from the working folder, where that is below it."""
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(path)


def _sureness(finding: Shown) -> str:
    if finding.proof:
        return "proven"
    if finding.confidence >= 0.97:
        return "certain"
    return f"{percent(finding.confidence)} sure"


def _counts(report: Report) -> list[str]:
    """What is not shown in full, and what watching cost, a sentence each."""
    found = [tried] if (tried := summary(report.trials)) else []
    if report.notes:
        names = ", ".join(each.name for each in report.notes)
        found.append(f"{counted(len(report.notes), 'note').capitalize()}: {names}.")
    if report.suppressed:
        names = ", ".join(f"{each.finding.name} ({each.reason or 'no reason given'})" for each in report.suppressed)
        found.append(f"{counted(len(report.suppressed), 'finding').capitalize()} suppressed: {names}.")
    if report.unused:
        names = ", ".join(f"{each.name} at {each.by}" for each in report.unused)
        found.append(f"{counted(len(report.unused), 'suppression').capitalize()} with nothing to suppress: {names}.")
    if unseen := len(report.not_looked_at) + len(report.trials.not_tried):
        found.append(f"Not looked at: {counted(unseen, 'thing')}, listed in the report.")
    if report.run_seconds:
        seen = report.observation
        found.append(f"Watching took {seconds(seen.seconds)}, {percent(seen.share_of_runtime)} of the run.")
    return found
