"""Lines of source as a person reads them: the path as it can be clicked, the line among its neighbours."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from seatrial.events import Place, SourceSeen
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.verdict import Suppressed, Verdict

AROUND = 2  # lines before and after the one that is meant: enough to recognise the spot, few enough for a phone
MOST = 4  # places quoted a finding; the rest is only counted


@dataclass(frozen=True, slots=True)
class QuotedLine:
    """A line of source with its number, without the indentation that its neighbours share.

    `meant` where the finding points at it."""

    number: int
    text: str
    meant: bool


@dataclass(frozen=True, slots=True)
class Quote:
    """A piece of a file around one or more lines that a finding points at. `file` is the path as shown."""

    file: str
    source: str
    line: int
    function: str
    lines: tuple[QuotedLine, ...]

    @property
    def code(self) -> str:
        """The first line that is meant, without its indentation; empty where the source is not known."""
        return next((line.text.strip() for line in self.lines if line.number == self.line), "")


def shown_path(file: str, run: Run) -> str:
    """A path relative to the folder in which the run was started, or as it is where that is shorter."""
    folder = run.started.folder if run.started else ""
    if not folder or not Path(file).is_absolute():
        return file
    near = os.path.relpath(file, folder)
    return min(near, file, key=len)


def quotes(places: Iterable[Place], run: Run) -> tuple[Quote, ...]:
    """The lines of source around places, places that lie close together in one piece, in order of the first of them."""
    pieces: list[list[Place]] = []
    for place in places:
        near = (piece for piece in pieces if any(_close(place, other) for other in piece))
        piece = next(near, None)
        if piece is None:
            pieces.append([place])
        else:
            piece.append(place)
    return tuple(_quote(piece, run) for piece in pieces)


def _close(one: Place, other: Place) -> bool:
    return one.file == other.file and abs(one.line - other.line) <= 2 * AROUND


def _quote(piece: list[Place], run: Run) -> Quote:
    first = piece[0]
    meant = {place.line for place in piece}
    text = run.sources.get(first.file, "").splitlines()
    span = range(max(1, min(meant) - AROUND), min(len(text), max(meant) + AROUND) + 1)
    while span and not text[span[0] - 1].strip():
        span = span[1:]
    while span and not text[span[-1] - 1].strip():
        span = span[:-1]
    shown = textwrap.dedent("\n".join(text[number - 1] for number in span)).split("\n")
    lines = tuple(QuotedLine(number, line, number in meant) for number, line in zip(span, shown, strict=False))
    return Quote(shown_path(first.file, run), first.file, first.line, first.function, lines)


# ---- reports without source --------------------------------------------------------------------------------------

LEFT_OUT = "(source left out)"


def without_source(verdict: Verdict) -> Verdict:
    """The same verdict with nothing left to quote: no source, and none in the words and figures of its findings."""
    sources = verdict.run.sources
    lines = {line.strip() for text in sources.values() for line in text.splitlines()}

    def bare(finding: Finding) -> Finding:
        evidence = {key: value for key, value in finding.evidence.items() if not _is_quoted(value, lines)}
        said = (_unquoted(each, sources.values()) for each in (finding.message, finding.remedy))
        message, remedy = said
        return replace(finding, message=message, remedy=remedy, evidence=evidence)

    return replace(
        verdict,
        run=Run.of(event for event in verdict.run.events if not isinstance(event, SourceSeen)),
        findings=tuple(map(bare, verdict.findings)),
        folded=tuple(map(bare, verdict.folded)),
        suppressed=tuple(Suppressed(bare(each.finding), each.by, each.reason) for each in verdict.suppressed),
    )


def _is_quoted(value: Figure, lines: set[str]) -> bool:
    return isinstance(value, str) and not value.isidentifier() and value.strip() in lines


def _unquoted(text: str, sources: Iterable[str]) -> str:
    """A text whose pieces of code are left out; names of functions and files may stay."""
    known = ["".join(source.split()) for source in sources]

    def instead(found: re.Match[str]) -> str:
        code = found[1]
        plain = code.replace(".", "").replace("()", "").isidentifier()
        return found[0] if plain or not any("".join(code.split()) in source for source in known) else LEFT_OUT

    return re.sub(r"`([^`]+)`", instead, text)
