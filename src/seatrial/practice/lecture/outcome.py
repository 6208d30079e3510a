"""What came of a stage: written down, so that an interrupted practice goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seatrial.errors import UsageProblem
from seatrial.files import replace

_FILE = "practice.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """A stage that is over.

    sentences  what a report says of it.
    skipped    why it was left out; "" where it was not.
    values     plain figures that later stages and the report read.
    link       a report of its own, relative to the practice's folder.
    stops      whether nothing after it makes sense.
    """

    sentences: tuple[str, ...]
    skipped: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    link: str = ""
    stops: bool = False


class Diary:
    """The outcomes of a practice in its folder, by the names of the stages."""

    def __init__(self, folder: Path, about: dict[str, Any]) -> None:
        """Go on with what stands in the folder, or begin.

        Args:
            about: what decides the practice (task, seed ...): another one does not go on in the same folder.

        Raises:
            UsageProblem: the folder holds another practice, or something else.
        """
        self.folder = folder
        self._about = about
        self.outcomes: dict[str, Outcome] = {}
        path = folder / _FILE
        if path.exists():
            self._read(path)
        elif folder.exists() and any(folder.iterdir()):
            found = ", ".join(sorted(each.name for each in folder.iterdir())[:3])
            raise UsageProblem(
                f"Expected an empty folder or one of a practice at {folder}, found other things in it ({found}).",
                "practice-folder",
                "Give --out another folder.",
            )
        folder.mkdir(parents=True, exist_ok=True)
        self._write()

    def keep(self, name: str, outcome: Outcome) -> None:
        """A stage is over."""
        self.outcomes[name] = outcome
        self._write()

    def value(self, stage: str, name: str) -> Any:
        """A figure of an earlier stage; None where it was skipped."""
        found = self.outcomes.get(stage)
        return found.values.get(name) if found is not None else None

    def _read(self, path: Path) -> None:
        try:
            found = json.loads(path.read_text())
            outcomes = {name: _read(each) for name, each in found["stages"].items()}
        except (ValueError, KeyError, TypeError) as error:
            hint = "Remove the folder, or give --out another one."
            raise UsageProblem(
                f"Expected the diary of a practice in {path}, found: {error}.", "practice-diary", hint
            ) from error
        if found.get("format") != _FORMAT or found["about"] != self._about:
            raise UsageProblem(
                f"Expected the practice that was begun in {self.folder}, found another task or other settings.",
                "practice-other",
                "Give --out another folder.",
            )
        self.outcomes = outcomes

    def _write(self) -> None:
        stages = {name: asdict(each) for name, each in self.outcomes.items()}
        written = json.dumps({"format": _FORMAT, "about": self._about, "stages": stages}, indent=1)
        replace(self.folder / _FILE, written.encode())


def outcomes_in(folder: Path) -> dict[str, Outcome]:
    """The outcomes of the practice in a folder, by the names of its stages; {} where there is none that can be read."""
    try:
        found = json.loads((folder / _FILE).read_text())
        return {name: _read(each) for name, each in found["stages"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def headline(outcomes: Mapping[str, Outcome]) -> str:
    """One sentence for the whole of a practice."""
    for outcome in outcomes.values():
        if outcome.stops:
            return outcome.sentences[0]
    last = outcomes.get("open")
    if last is None:
        return "Not finished yet."
    return last.sentences[0] if not last.skipped else "Trained, but not tested."


def _read(written: Mapping[str, Any]) -> Outcome:
    found = dict(written)
    found["sentences"] = tuple(found["sentences"])
    return Outcome(**found)
