"""Mends of a number: the literal that a finding points at."""

from __future__ import annotations

import ast

from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.report.diffs.sheet import Refused, Sheet, only

SAFE_BOUND, USUAL_MOMENTUM = "1.0", "0.9"


def rate(run: Run, finding: Finding) -> Sheet:
    """The learning rate that the remedy names, in the place of the one that is used."""
    suggested = finding.evidence.get("suggested_rate")
    if not isinstance(suggested, float):
        raise Refused
    return _number(run, finding, finding.evidence.get("learning_rate"), decimal(suggested, 1))


def bound(run: Run, finding: Finding) -> Sheet:
    """A bound near the norms of usual steps."""
    return _number(run, finding, finding.evidence.get("bound"), SAFE_BOUND)


def decay(run: Run, finding: Finding) -> Sheet:
    """No weight decay until the training data can be fitted."""
    return _number(run, finding, finding.evidence.get("weight_decay"), "0.0")


def setting(run: Run, finding: Finding) -> Sheet:
    """Swapped betas the other way round; a momentum below 1."""
    place = finding.where[0]
    if finding.evidence.get("setting") == "betas" and "as if swapped" in finding.message:
        sheet = Sheet.at(run, place)
        pair = only(
            each
            for each in sheet.nodes(place.line, ast.Tuple)
            if len(each.elts) == 2 and all(isinstance(part, ast.Constant) for part in each.elts)
        )
        first, second = pair.elts
        return sheet.replace(first, sheet.source(second)).replace(second, sheet.source(first))
    if finding.evidence.get("setting") == "momentum":
        return _number(run, finding, finding.evidence.get("value"), USUAL_MOMENTUM)
    raise Refused


def outputs(run: Run, finding: Finding) -> Sheet:
    """As many outputs as there are classes."""
    classes = finding.evidence.get("classes")
    if not isinstance(classes, int):
        raise Refused
    return _number(run, finding, finding.evidence.get("outputs"), str(classes))


def _number(run: Run, finding: Finding, old: object, new: str) -> Sheet:
    """Another number in the place of the one literal of a value on the first line."""
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    if isinstance(old, bool) or not isinstance(old, (int, float)):
        raise Refused
    found = [
        each
        for each in sheet.nodes(place.line, ast.Constant)
        if isinstance(each.value, (int, float)) and not isinstance(each.value, bool) and _same(each.value, old)
    ]
    return sheet.replace(only(found), new)


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-6 * abs(other)
