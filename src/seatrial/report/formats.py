"""Reports for other programs, written where a person wants them: SARIF for code scanning, JUnit for what shows tests."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from seatrial import files
from seatrial.errors import UsageProblem
from seatrial.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Formats:
    """Absolute paths of the files to write (None for what is not wanted), and whether reports may quote the source."""

    sarif: Path | None = None
    junit: Path | None = None
    source: bool = True

    def write(self, verdict: Verdict) -> None:
        """Write those that are wanted."""
        from seatrial.report import junit, sarif

        for path, form in ((self.sarif, sarif), (self.junit, junit)):
            if path is not None:
                files.replace(path, form.render(verdict).encode("utf-8", "replace"))


def wanted(sarif: Path | None = None, junit: Path | None = None, source: bool = True) -> Formats:
    """The formats that are asked for, checked before any work: the script may change its folder meanwhile.

    Raises:
        UsageProblem: a file cannot be written there, or both are the same.
    """
    found = Formats(_checked("--sarif", sarif), _checked("--junit", junit), source)
    if found.sarif is not None and found.sarif == found.junit:
        raise UsageProblem(
            f"Expected two files for --sarif and --junit, found {sarif} for both.", "same-file", "Name another one."
        )
    return found


def _checked(option: str, path: Path | None) -> Path | None:
    if path is None:
        return None
    path = path.absolute()
    if path.is_dir():
        found = "a folder"
    elif not path.parent.is_dir():
        found = f"no folder {path.parent}"
    elif not os.access(path.parent, os.W_OK):
        found = f"a folder {path.parent} that cannot be written to"
    else:
        return path
    raise UsageProblem(f"Expected a file to write for {option} at {path}, found {found}.", "format-not-writable")
