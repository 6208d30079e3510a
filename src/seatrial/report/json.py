"""findings.json: the contract with other programs. `schema` counts up when a key changes its meaning or goes."""

from __future__ import annotations

import json
import math
from typing import Any

from seatrial import __version__
from seatrial.catalogue import entries
from seatrial.events import Place
from seatrial.findings import Finding
from seatrial.report.diffs import diff_of
from seatrial.report.sources import shown_path
from seatrial.verdict import Verdict

SCHEMA = 1


def render(verdict: Verdict) -> str:
    """The text of findings.json. Strict JSON: figures that are not finite are the strings "nan", "inf" and "-inf"."""
    return json.dumps(strict(as_data(verdict)), indent=1, allow_nan=False) + "\n"


def as_data(verdict: Verdict) -> dict[str, Any]:
    """The keys of findings.json, with figures as they are (not yet made safe for JSON)."""
    started = verdict.run.started
    seen = verdict.observation
    return {
        "schema": SCHEMA,
        "seatrial": __version__,
        "script": started.script if started else "",
        "status": verdict.status,
        "findings": [_finding(finding, verdict) for finding in verdict.findings],
        "suppressed": [
            {"name": each.finding.name, "by": shown_path(each.by, verdict.run), "reason": each.reason}
            for each in verdict.suppressed
        ],
        "unused_suppressions": [{"name": each.name, "by": shown_path(each.by, verdict.run)} for each in verdict.unused],
        "not_looked_at": [{"what": each.what, "why": each.why} for each in verdict.not_looked_at],
        "observation": {
            "steps": seen.steps,
            "full_looks": seen.full_looks,
            "seconds": round(seen.seconds, 4),
            "share_of_runtime": round(seen.share_of_runtime, 4),
        },
    }


def _finding(finding: Finding, verdict: Verdict) -> dict[str, Any]:
    known = entries().get(finding.name)
    diff = diff_of(finding, verdict.run)
    return {
        "name": finding.name,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "message": finding.message,
        "where": [_place(place, verdict) for place in finding.where],
        "evidence": finding.evidence,
        "remedy": finding.remedy,
        "practice": known.practice if known else "",
        "explains": list(finding.folded),
        "proof": finding.proof,
        "diff": diff.patch if diff is not None else None,
    }


def _place(place: Place, verdict: Verdict) -> dict[str, str | int]:
    return {"file": shown_path(place.file, verdict.run), "line": place.line, "function": place.function}


def strict(value: Any) -> Any:
    """A value that strict JSON can hold."""
    match value:
        case dict():
            return {str(key): strict(each) for key, each in value.items()}
        case list() | tuple():
            return [strict(each) for each in value]
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case _:
            return str(value)


def without_nan(value: Any) -> Any:
    """Plain values for strict JSON in which what is not finite is missing (null), e.g. the points of a curve."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: without_nan(each) for key, each in value.items()}
    return [without_nan(each) for each in value] if isinstance(value, (list, tuple)) else value
