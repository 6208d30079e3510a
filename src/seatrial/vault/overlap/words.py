"""What is said of examples on both sides of a split."""

from __future__ import annotations

from seatrial.errors import UsageProblem
from seatrial.numbers import decimal
from seatrial.vault.overlap.pairs import Overlap, Pair

_SHOWN = 3
_HINT = (
    "With --duplicates move they go to the training part, with --duplicates keep they stay and the report says so; "
    "if examples belong together (a patient, a recording, an original picture), name what tells it with --groups COLUMN."
)


def refusal(overlap: Overlap, examples: int) -> UsageProblem:
    """The problem of a split with overlap, in the form that all of them have.

    Args:
        examples: how many the test part has.
    """
    return UsageProblem(
        f"Expected a test part that has nothing in common with the training part, found {_found(overlap, examples)}. "
        f"Compared: {overlap.looked}.",
        "overlap",
        _HINT,
    )


def notice(overlap: Overlap, examples: int) -> str:
    """One paragraph of what was looked for and what was found, for a report.

    Args:
        examples: how many the test part has.
    """
    found = _found(overlap, examples) if overlap.found else "nothing"
    natural = (
        f" {overlap.coincidences} test examples equal a training example: columns with few values make as many equal ones, "
        "this is no leak and no split avoids it."
        if overlap.coincidences
        else ""
    )
    return f"On both sides of the split: {found}. Compared: {overlap.looked}.{natural}"


def _found(overlap: Overlap, examples: int) -> str:
    parts: list[str] = []
    if overlap.same:
        parts.append(
            f"{len(overlap.same)} of {examples} test examples that are also training examples ({_pairs(overlap.same)})"
        )
    if overlap.near:
        what = "that nearly are" if overlap.same else "test examples that nearly equal a training example"
        parts.append(f"{len(overlap.near)} of {examples} {what} ({_pairs(overlap.near)})")
    if overlap.groups:
        shown = ", ".join(overlap.groups[:_SHOWN]) + (", ..." if len(overlap.groups) > _SHOWN else "")
        parts.append(
            f"{len(overlap.groups)} {'group' if len(overlap.groups) == 1 else 'groups'} on both sides ({shown})"
        )
    return ", and ".join(parts)


def _pairs(pairs: tuple[Pair, ...]) -> str:
    shown = ", ".join(
        f"{pair.test} and {pair.training}" + (f" at distance {decimal(pair.distance, 2)}" if pair.distance else "")
        for pair in pairs[:_SHOWN]
    )
    return shown + (", ..." if len(pairs) > _SHOWN else "")
