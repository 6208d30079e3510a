"""JUnit XML, for what shows tests: a test case for each thing that was looked for.

It fails where an error or a warning was found and passes where nothing, or only a note, was. It counts as skipped where the
project suppressed it or another finding explains it, and as an error where its rule could not say. The last case is the
script itself.
"""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

from seatrial.catalogue import entries
from seatrial.findings import Finding
from seatrial.report.proofs import proof_sentence
from seatrial.report.sources import quotes, shown_path
from seatrial.terminals import printable
from seatrial.verdict import Verdict


def render(verdict: Verdict) -> str:
    """The text of a file of JUnit results with one suite, called as the script is."""
    started, ended = verdict.run.started, verdict.run.ended
    script = printable(started.script if started else "") or "script"
    suite = ElementTree.Element("testsuite", name=f"seatrial {script}")
    cases = [_case(name, script, verdict) for name in _looked_for(verdict)]
    suite.extend([*cases, _end(script, verdict)])
    suite.set("tests", str(len(cases) + 1))
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("time", f"{ended.seconds if ended else 0.0:.3f}")
    if started:
        suite.set("timestamp", datetime.fromtimestamp(started.time, UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    unseen = [printable(f"Not looked at: {each.what}: {each.why}") for each in verdict.not_looked_at]
    if unseen:
        ElementTree.SubElement(suite, "system-out").text = "\n".join(unseen)
    suites = ElementTree.Element(
        "testsuites", {key: suite.attrib[key] for key in ("tests", "failures", "errors", "time")}
    )
    suites.append(suite)
    ElementTree.indent(suites, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _looked_for(verdict: Verdict) -> list[str]:
    """All findings that a rule looks for, and those that were found whatever found them, in alphabetical order."""
    from seatrial.rules import discover

    found = (*verdict.findings, *verdict.folded, *(each.finding for each in verdict.suppressed))
    return sorted({*discover(), *(finding.name for finding in found)})


def _case(name: str, script: str, verdict: Verdict) -> ElementTree.Element:
    case = ElementTree.Element("testcase", name=name, classname=script, time="0")
    known = entries().get(name)
    if listed := next((each for each in verdict.findings if each.name == name), None):
        _found(case, listed, verdict)
    elif hidden := next((each for each in verdict.suppressed if each.finding.name == name), None):
        by = printable(shown_path(hidden.by, verdict.run))
        ElementTree.SubElement(
            case, "skipped", message=f"suppressed by {by}: {printable(hidden.reason) or 'no reason given'}"
        )
    elif cause := next((each for each in verdict.findings if name in each.folded), None):
        ElementTree.SubElement(case, "skipped", message=f"explained by {cause.name}")
    elif broken := next((each for each in verdict.not_looked_at if each.what == name), None):
        ElementTree.SubElement(case, "error", message=printable(broken.why), type="not looked at")
    elif known:
        ElementTree.SubElement(case, "system-out").text = f"Not found: {known.statement}"
    return case


def _found(case: ElementTree.Element, finding: Finding, verdict: Verdict) -> None:
    """A failure of the case, or a passed case with a note."""
    if finding.where:
        case.set("file", printable(shown_path(finding.where[0].file, verdict.run)))
        case.set("line", str(finding.where[0].line))
    text = _text(finding, verdict)
    if finding.severity == "note":
        ElementTree.SubElement(case, "system-out").text = text
    else:
        failure = ElementTree.SubElement(case, "failure", message=printable(finding.message), type=finding.severity)
        failure.text = text


def _text(finding: Finding, verdict: Verdict) -> str:
    places = [f"{each.file}:{each.line}  {each.code}".rstrip() for each in quotes(finding.where, verdict.run)]
    proof = [proof_sentence(finding.proof)] if finding.proof else []
    folded = [f"Explains {', '.join(finding.folded)}."] if finding.folded else []
    parts = (finding.message, *places, *proof, finding.remedy, *folded, f"seatrial explain {finding.name}")
    return "\n".join(printable(part) for part in parts if part)


def _end(script: str, verdict: Verdict) -> ElementTree.Element:
    case = ElementTree.Element("testcase", name="the script runs to its end", classname=script, time="0")
    ended = verdict.run.ended
    if ended is None:
        ElementTree.SubElement(case, "error", message="the run was killed", type="killed")
    elif ended.status in ("failed", "interrupted") or ended.exit_code:
        message = ended.exception or f"the script ended with exit status {ended.exit_code}"
        ElementTree.SubElement(case, "error", message=printable(message), type=ended.status)
    return case
