"""SARIF 2.1.0 (OASIS, 2020): findings for code scanning, which shows them on their lines in a change or an editor.

A finding is a result at its best line, with the others as related locations; its rule has the catalogue's statement and the
page of `seatrial explain`. A mend that is a diff is a fix. What was suppressed is a suppressed result, what was not looked at a
notification of the run.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from seatrial import __version__
from seatrial.catalogue import entries
from seatrial.events import Place
from seatrial.findings import Finding
from seatrial.report.diffs import Edit, diff_of
from seatrial.report.json import strict
from seatrial.report.pages import plain, sections, with_thresholds
from seatrial.report.proofs import proof_sentence
from seatrial.report.sources import MOST, shown_path
from seatrial.verdict import Suppressed, Verdict

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "SRCROOT"  # what paths are relative to: the repository, by the name that code scanning gives it
Json: TypeAlias = "dict[str, Any]"


def render(verdict: Verdict) -> str:
    """The text of a SARIF log with one run."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(verdict)]}
    return json.dumps(strict(log), indent=1, allow_nan=False) + "\n"


def _run(verdict: Verdict) -> Json:
    folder = root(verdict)
    told = [*verdict.findings, *(each.finding for each in verdict.suppressed)]
    names = list(dict.fromkeys(each.name for each in told))
    results = [_result(each, names, verdict, folder) for each in verdict.findings]
    silent = [_suppressed(each, names, verdict, folder) for each in verdict.suppressed]
    driver = {"name": "seatrial", "version": __version__, "semanticVersion": __version__, "rules": _rules(names)}
    return {
        "tool": {"driver": driver},
        "invocations": [_invocation(verdict)],
        "originalUriBaseIds": {ROOT: {"uri": _uri(folder.as_posix().rstrip("/"), "file://") + "/"}},
        "columnKind": "unicodeCodePoints",
        "results": results + silent,
    }


def root(verdict: Verdict) -> Path:
    """The repository that the run was started in, or else the folder it was started in."""
    started = verdict.run.started
    folder = Path(started.folder if started and started.folder else os.curdir).absolute()
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)


# ---- the rules ---------------------------------------------------------------------------------------------------


def _rules(names: Iterable[str]) -> list[Json]:
    from seatrial.rules import discover

    known = discover()
    return [_rule(name, with_thresholds(known[name]) if name in known else "") for name in names]


def _rule(name: str, page: str) -> Json:
    entry = entries().get(name)
    statement = entry.statement if entry else name
    parts = sections(page)
    words = re.split(r"[.-]", name)
    text = page.partition("\n")[2].strip() or statement
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in words),
        "shortDescription": {"text": statement},
        "fullDescription": {"text": plain(parts.get("What it finds", "")) or statement},
        "help": {"text": plain(text), "markdown": text},
        "properties": {"tags": ["machine-learning", *([entry.practice] if entry and entry.practice else [])]},
    }


# ---- the results -------------------------------------------------------------------------------------------------


def _result(finding: Finding, names: list[str], verdict: Verdict, folder: Path) -> Json:
    first, *others = finding.where or (_script(verdict),)
    proof = [proof_sentence(finding.proof)] if finding.proof else []
    explains = [f"Explains {', '.join(finding.folded)}."] if finding.folded else []
    fix = _fix(finding, verdict, folder)
    return {
        "ruleId": finding.name,
        "ruleIndex": names.index(finding.name),
        "level": finding.severity,
        "message": {
            "text": _braced(" ".join([finding.message, *proof, finding.remedy, *explains]).strip())
            + _links(others, verdict)
        },
        "locations": [_location(first, folder)],
        "relatedLocations": [
            {"id": at, **_location(place, folder), "message": {"text": "This line belongs to it."}}
            for at, place in enumerate(others, 1)
        ],
        "partialFingerprints": {"seatrial/v1": _fingerprint(finding, first, verdict, folder)},
        "rank": round(100 * finding.confidence, 1),
        "properties": {"confidence": finding.confidence, "evidence": finding.evidence, "proof": finding.proof},
        **({"fixes": [fix]} if fix else {}),
    }


def _fix(finding: Finding, verdict: Verdict, folder: Path) -> Json | None:
    """The mend as replacements of whole lines; None where there is none as a diff."""
    diff = diff_of(finding, verdict.run)
    if diff is None:
        return None
    text = verdict.run.sources[diff.source]
    change = {
        "artifactLocation": _artifact(diff.source, folder),
        "replacements": [_replacement(edit, text) for edit in diff.edits],
    }
    return {"description": {"text": _braced(finding.remedy)}, "artifactChanges": [change]}


def _replacement(edit: Edit, text: str) -> Json:
    lines = text.split("\n")  # the last one without an end, empty where the file ends with one
    past = edit.end > len(lines)  # the end of a file whose last line has no end of its own
    line, column = (len(lines), len(lines[-1]) + 1) if past else (edit.end, 1)
    region = {"startLine": edit.first, "startColumn": 1, "endLine": line, "endColumn": column}
    return {"deletedRegion": region, **({"insertedContent": {"text": edit.text}} if edit.text else {})}


def _links(others: list[Place], verdict: Verdict) -> str:
    """The related locations as links: code scanning shows only those that the message leads to."""
    shown = [f"{shown_path(place.file, verdict.run)}:{place.line}" for place in others[:MOST]]
    named = [re.sub(r"([\\\[\]])", r"\\\1", _braced(each)) for each in shown]
    return f" See also {', '.join(f'[{each}]({at})' for at, each in enumerate(named, 1))}." if named else ""


def _suppressed(each: Suppressed, names: list[str], verdict: Verdict, folder: Path) -> Json:
    file, colon, line = each.by.rpartition(":")
    in_source = bool(colon) and line.isdigit()
    how: Json = {"kind": "inSource" if in_source else "external", "status": "accepted"}
    if each.reason:
        how["justification"] = each.reason
    if in_source:
        how["location"] = _location(Place(file, int(line), ""), folder)
    return {**_result(each.finding, names, verdict, folder), "suppressions": [how]}


def _braced(text: str) -> str:
    """In a message braces stand for arguments unless they are doubled (section 3.11.5), and `[text](target)` is a link (3.11.6)."""
    return text.replace("{", "{{").replace("}", "}}").replace("](", "] (")


def _script(verdict: Verdict) -> Place:
    """The first line of the script, for what no line is to blame for: code scanning shows only what has one."""
    started = verdict.run.started
    if started is None or not started.script:
        return Place("unknown", 1, "")
    named = Path(started.folder, started.script)
    return Place(str(named) if started.script.endswith(".py") else started.script, 1, "")


def _location(place: Place, folder: Path) -> Json:
    physical: Json = {"artifactLocation": _artifact(place.file, folder)}
    if place.line > 0:
        physical["region"] = {"startLine": place.line}
    if not place.function:
        return {"physicalLocation": physical}
    return {"physicalLocation": physical, "logicalLocations": [{"name": place.function, "kind": "function"}]}


def _artifact(file: str, folder: Path) -> Json:
    path = Path(os.path.normpath(folder / file))
    if path.is_relative_to(folder):
        return {"uri": _uri(path.relative_to(folder).as_posix()), "uriBaseId": ROOT}
    return {"uri": _uri(path.as_posix(), "file://")}


def _uri(path: str, scheme: str = "") -> str:
    return scheme + quote(path.encode("utf-8", "replace"))


def _fingerprint(finding: Finding, place: Place, verdict: Verdict, folder: Path) -> str:
    """The same for the same line of code, wherever it moves in its file."""
    lines = verdict.run.sources.get(place.file, "").splitlines()
    code = lines[place.line - 1].strip() if 0 < place.line <= len(lines) else ""
    parts = (finding.name, _artifact(place.file, folder)["uri"], place.function, code)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


# ---- the run -----------------------------------------------------------------------------------------------------


def _invocation(verdict: Verdict) -> Json:
    started, ended = verdict.run.started, verdict.run.ended
    told: Json = {
        # Of seatrial, which has judged; how the script ended is among the properties.
        "executionSuccessful": True,
        "toolExecutionNotifications": [
            {"level": "note", "message": {"text": _braced(f"Not looked at: {each.what}: {each.why}.")}}
            for each in verdict.not_looked_at
        ],
        "properties": {"status": verdict.status, "steps": verdict.observation.steps},
    }
    if started:
        told["arguments"] = [started.script, *started.argv]
        told["workingDirectory"] = {"uri": _uri(Path(started.folder).absolute().as_posix(), "file://") + "/"}
        told["startTimeUtc"] = _utc(started.time)
    if started and ended:
        told["endTimeUtc"] = _utc(started.time + ended.seconds)
        told["properties"]["scriptExitCode"] = ended.exit_code
    return told


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
