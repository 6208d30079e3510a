"""A finding: what a rule says of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from seatrial.events import Place, Scalar

Severity: TypeAlias = Literal["error", "warning", "note"]
Figure: TypeAlias = "Scalar | list[float] | list[str] | dict[str, float]"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (error), most likely hurts (warning) or is worth knowing (note, never an alarm).

    message     one sentence with the figures of this run.
    where       lines that an expert would point at and change, the best first: the user's own code.
    evidence    the figures behind the sentence.
    remedy      one sentence.
    explains    names of findings that this one, if true, accounts for: they are folded into it.
    confidence  0..1, the rule's own belief that the statement of the catalogue is true of the program.
    """

    name: str
    severity: Severity
    message: str
    where: tuple[Place, ...] = ()
    evidence: Mapping[str, Figure] = field(default_factory=dict[str, Figure])
    remedy: str = ""
    explains: tuple[str, ...] = ()
    confidence: float = 0.9
    proof: dict[str, Scalar] | None = None
    folded: tuple[str, ...] = ()
