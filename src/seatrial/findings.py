"""A finding: what a rule says of a run; and a mend: what would take the fault away, so that an experiment can prove it."""

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


@dataclass(frozen=True, slots=True)
class Edit:
    """A change to the recorded step at node `node` of its graph, by an index of `GraphSeen.nodes`.

    how        what the node gives instead; `value` where it needs one
    pass       its first argument, as it came
    set        its own result with another argument: `name` = `value`
    graph      its own result, with gradients on
    open       the result of a custom function's forward, differentiated by autograd (its own backward is not used)
    reshape    its own result, after argument number `value` (from 0) took the shape of the other of the first two
    log        the logarithm of what it gave
    scale      its own result times `value`
    normalise  log_softmax of what it gave along its axis 1
    standardise  (a leaf) its values with mean 0 and standard deviation 1 for each feature
    """

    node: int
    how: str
    value: Scalar = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Mend:
    """How a recorded training differs once a suspected fault is taken away. Pure data: rules name it, forks follow it.

    fix         in words, as a report says it: "softmax removed"
    edits       changes to the step
    clears      gradients are cleared once in each turn, before its first backward pass, and nowhere else
    steps       the optimizer steps at the end of each turn, and nowhere else
    rate        factor on the learning rate; `steady`: it keeps the largest value that it ever had
    settings    settings of the optimizer that are other ones
    all_parameters  the optimizer holds every parameter of the step that can learn
    unclipped   gradients are not clipped
    others      mends of the same fault by other amounts: the one that does best with the first seed is tried with the others
    fresh       weights of layers are drawn anew as torch draws them (Kaiming uniform by fan-in), biases are zero
    """

    fix: str
    edits: tuple[Edit, ...] = ()
    clears: bool = False
    steps: bool = False
    rate: float = 1.0
    steady: bool = False
    settings: tuple[tuple[str, Scalar], ...] = ()
    all_parameters: bool = False
    unclipped: bool = False
    fresh: bool = False
    others: tuple[Mend, ...] = ()
