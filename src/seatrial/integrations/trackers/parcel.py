"""What is sent to a tracker, as plain data: the same for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.report.curves import Curve

PREFIX = "seatrial"  # before every name that we give: a script's own figures keep theirs
COLUMNS = ("severity", "name", "where", "message", "remedy")
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|!~])")


@dataclass(frozen=True, slots=True)
class Found:
    """A finding in a line of a table. `where`: "train.py:41", the line to change; "" where there is none."""

    severity: str
    name: str
    where: str
    message: str
    remedy: str

    @property
    def row(self) -> tuple[str, ...]:
        """In the order of COLUMNS."""
        return self.severity, self.name, self.where, self.message, self.remedy


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent of one run, or of a practice.

    name      of its folder.
    script    what was run.
    exit_code its exit status; 0 where it is not known.
    started   seconds since the epoch.
    headline  the verdict in one sentence.
    findings  the most important first, notes among them.
    chapters  what else is said, by its heading: the stages of a practice.
    totals    figures of the whole by name: "findings/error", of a practice also "test/accuracy".
    scalars   curves over steps (at most 500 points each); a label is "seatrial/<what is drawn>/<curve>".
    figures   PNG by name.
    files     report.html, findings.json and, of a practice, evaluation.html.
    """

    folder: Path
    name: str
    script: str
    exit_code: int
    started: float
    headline: str
    findings: tuple[Found, ...]
    chapters: dict[str, tuple[str, ...]]
    totals: dict[str, float]
    scalars: tuple[Curve, ...]
    figures: dict[str, bytes]
    files: tuple[Path, ...]

    @property
    def markdown(self) -> str:
        """The headline and the findings, for a tracker that shows text. What others wrote is shown as it is, not as marks."""
        lines = [f"**{_plain(self.headline)}**", ""]
        for each in self.findings:
            at = f" ({_plain(each.where)})" if each.where else ""
            lines.append(
                f"- **{each.severity}** {each.name}{at}: {_plain(each.message)} {_plain(each.remedy)}".rstrip()
            )
        for heading, sentences in self.chapters.items():
            lines += ["", f"### {_plain(heading)}", "", *(f"- {_plain(sentence)}" for sentence in sentences)]
        return "\n".join(lines)

    def pictures_in(self, folder: str) -> Iterator[tuple[str, Path]]:
        """The figures as files in a folder, for a tracker that takes no bytes."""
        for name, picture in self.figures.items():
            path = Path(folder, f"{name}.png")
            path.write_bytes(picture)
            yield name, path

    def by_step(self) -> list[tuple[int, dict[str, float]]]:
        """The scalars of each step, in order of the steps."""
        rows: dict[int, dict[str, float]] = {}
        for curve in self.scalars:
            for tick, value in zip(curve.ticks, curve.values, strict=True):
                rows.setdefault(int(tick), {})[curve.label] = value
        return sorted(rows.items())


def _plain(text: str) -> str:
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
