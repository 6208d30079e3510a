"""JUnit: a case for each thing looked for, failed, passed, skipped or in error as it was found; well-formed whatever is in it."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
import sample_run as sample

from seatrial.config import Config
from seatrial.events import NotLookedAt, RunEnded
from seatrial.report.junit import render
from seatrial.rules import discover
from seatrial.verdict import Verdict

END = "the script runs to its end"


def suite(verdict: Verdict) -> ElementTree.Element:
    (found,) = ElementTree.fromstring(render(verdict).encode())
    for kind, tag in (("tests", ""), ("failures", "/failure"), ("errors", "/error"), ("skipped", "/skipped")):
        assert int(found.attrib[kind]) == len(found.findall(f"testcase{tag}")), kind
    return found


def case(verdict: Verdict, name: str) -> ElementTree.Element:
    (found,) = (each for each in suite(verdict).iter("testcase") if each.attrib["name"] == name)
    return found


def test_a_clean_run_passes_a_case_for_each_rule_and_its_end() -> None:
    found = suite(sample.verdict())
    assert [each.attrib["name"] for each in found.iter("testcase")] == [*discover(), END]
    assert (found.attrib["failures"], found.attrib["errors"], found.attrib["skipped"]) == ("0", "0", "0")
    assert float(found.attrib["time"]) == 6.2
    assert "worker processes" in (found.findtext("system-out") or "")


def test_a_finding_fails_and_what_it_explains_is_skipped() -> None:
    finding = sample.softmax()
    verdict = sample.verdict(finding, sample.underfitting())
    found = case(verdict, finding.name)
    assert (found.attrib["file"], found.attrib["line"]) == ("digits.py", str(finding.where[0].line))
    failure = found.find("failure")
    assert failure is not None
    assert (failure.attrib["message"], failure.attrib["type"]) == (finding.message, "error")
    assert f"digits.py:{finding.where[0].line}  return torch.softmax" in (failure.text or "")
    skipped = case(verdict, "optimisation.underfitting").find("skipped")
    assert skipped is not None and skipped.attrib["message"] == f"explained by {finding.name}"
    assert suite(verdict).attrib["failures"] == "1"


def test_a_note_passes_and_is_told() -> None:
    found = case(sample.verdict(sample.unseeded()), "loop.unseeded-run")
    assert found.find("failure") is None
    assert sample.unseeded().message in (found.findtext("system-out") or "")


def test_what_is_suppressed_is_skipped_with_the_reason() -> None:
    config = Config(ignore={"loop.unseeded-run": "a demonstration"}, file=f"{sample.FOLDER}/pyproject.toml")
    skipped = case(sample.verdict(sample.unseeded(), config=config), "loop.unseeded-run").find("skipped")
    assert skipped is not None and skipped.attrib["message"] == "suppressed by pyproject.toml: a demonstration"


def test_a_rule_that_broke_is_an_error() -> None:
    broken = NotLookedAt("model.dead-units", "the rule itself failed: ValueError: x")
    error = case(sample.verdict(also=[broken]), "model.dead-units").find("error")
    assert error is not None and "ValueError" in error.attrib["message"]


@pytest.mark.parametrize(("status", "code"), [("failed", 1), ("interrupted", 130), ("exited", 3)])
def test_a_script_that_did_not_end_well_is_an_error(status: str, code: int) -> None:
    ended = RunEnded(status, code, "ValueError: x" if status == "failed" else "", None, 1, 1, 1.0, 0.0)
    error = case(sample.verdict(changed=[ended]), END).find("error")
    assert error is not None and error.attrib["type"] == status
    assert (
        case(sample.verdict(changed=[replace(ended, status="exited", exit_code=0, exception="")]), END).find("error")
        is None
    )


@pytest.mark.parametrize("text", ["\x00\ud800</script>\"'", "]]>&lt;<failure/>", "\x1b[31m\ufffe\r\n"])
def test_hostile_text_stays_text(text: str) -> None:
    suite(sample.hostile(text))
