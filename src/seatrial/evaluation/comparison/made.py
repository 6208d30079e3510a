"""Which comparisons have been made on the same test data: a file that every comparison is added to, so that what many looks cost is counted
and not remembered. One line of JSON each; nobody's memory, and no table of predictions, is in it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from seatrial.evaluation.comparison.methods import Method, Predicted, Scored
from seatrial.evaluation.comparison.values import refused
from seatrial.evaluation.predictions import in_order

FILE = "comparisons.jsonl"


@dataclass(frozen=True, slots=True)
class Made:
    """A comparison that was made.

    data    what it was measured on: the hash of the test examples and their targets.
    figure  that was compared.
    names, models   of the two methods; models: hashes of what they answered.
    """

    data: str
    figure: str
    names: tuple[str, str]
    models: tuple[str, str]
    test: str
    p: float
    time: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """The same for the same comparison made again, in whatever order."""
        return (self.data, self.figure, self.test, *sorted(self.models))


def read(file: Path) -> list[Made]:
    """All that were made, each once; none where there is no file.

    Raises:
        UsageProblem: a line is none of ours.
    """
    found: dict[tuple[str, ...], Made] = {}
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    for number, line in enumerate(lines, 1):
        try:
            values = json.loads(line)
            made = Made(**values | {"names": tuple(values["names"]), "models": tuple(values["models"])})
            if not 0 <= made.p <= 1:
                raise ValueError("p")
        except (ValueError, TypeError, KeyError) as error:
            hint = "Mend or remove that line; the comparisons before and after it are not lost."
            raise refused(
                f"a comparison in line {number} of {file}", f"{line[:60]!r}", "compare-count", hint
            ) from error
        found.setdefault(made.key, made)
    return list(found.values())


def add(file: Path, made: Iterable[Made]) -> None:
    """Add those that are not in it yet, in one piece: two comparisons at the same time both get in."""
    known = {each.key for each in read(file)}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    lines = [json.dumps(asdict(each) | {"time": now}) for each in made if each.key not in known]
    if not lines:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, ("\n".join(lines) + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def data_of(method: Method) -> str:
    """What a method was measured on."""
    if isinstance(method, Scored):
        return method.data
    hashes = sorted({each.examples_hash for each in method.trainings})
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def model_of(method: Method) -> str:
    """A hash of all that a method answered."""
    digest = hashlib.sha256()
    if isinstance(method, Scored):
        digest.update(repr(sorted(method.scores.items())).encode())
        return digest.hexdigest()[:16]
    return hashlib.sha256("".join(sorted(models_of(method))).encode()).hexdigest()[:16]


def models_of(method: Predicted) -> list[str]:
    """One hash for each training of a method."""
    found: list[str] = []
    for each in method.trainings:
        scores = each.scores[in_order(each.ids)]
        found.append(hashlib.sha256(np.ascontiguousarray(scores, dtype=np.float64).tobytes()).hexdigest()[:16])
    return found
