"""What is made of findings: nothing is lost, the order is the same every time, what was asked for is done and told."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial import verdict
from seatrial.catalogue import entries
from seatrial.config import Config
from seatrial.errors import UsageProblem
from seatrial.events import Event, Look, NotLookedAt, Place, RunEnded, RunStarted, SourceSeen, Turns
from seatrial.findings import Finding, Severity
from seatrial.history import Run
from seatrial.rules import Rule

FILE = "/there/train.py"
NAMES = list(entries())


def finding(name: str, severity: Severity = "error", confidence: float = 0.9, line: int = 1, **more: object) -> Finding:
    at = (Place(FILE, line),)
    return replace(Finding(name, severity, f"{name} in line {line}", at, confidence=confidence), **more)


def settled(*found: Finding, config: Config | None = None, source: str = "") -> verdict.Verdict:
    run = Run.of([SourceSeen(FILE, source)] if source else [])
    return verdict.settle(run, found, (), config or Config())


def names(found: tuple[Finding, ...]) -> list[str]:
    return [each.name for each in found]


severities: st.SearchStrategy[Severity] = st.sampled_from(["error", "warning", "note"])
few = st.sampled_from([*NAMES[:8], "optimisation.underfitting", "optimisation.non-finite-loss"])
findings = st.builds(
    Finding,
    name=few,
    severity=severities,
    message=st.text("abc", max_size=3),
    where=st.lists(st.builds(Place, st.just(FILE), st.integers(1, 5)), max_size=3).map(tuple),
    explains=st.lists(few, max_size=4).map(tuple),
    confidence=st.floats(0, 1),
    proof=st.none() | st.just({"fix": "mended"}),
)
lists = st.lists(findings, max_size=12)


# ---- folding -----------------------------------------------------------------------------------------------------


@given(lists)
def test_folding_loses_no_name_and_no_alarm(found: list[Finding]) -> None:
    result = settled(*found)
    assert {each.name for each in found} == set(names(result.findings)) | set(names(result.folded))
    assert not set(names(result.findings)) & set(names(result.folded))
    told = [name for each in result.findings for name in each.folded]
    assert sorted(told) == sorted(names(result.folded)), "each folded finding belongs to exactly one listed one"


@given(lists)
def test_what_is_folded_was_explained_by_something_at_least_as_severe(found: list[Finding]) -> None:
    merged = verdict.merge(found)
    _, folded = verdict.fold(verdict.in_order(merged))
    for symptom in folded:
        causes = [each for each in merged if symptom.name in each.explains and each.name != symptom.name]
        assert any(verdict.RANK[cause.severity] <= verdict.RANK[symptom.severity] for cause in causes)


@given(lists)
def test_whatever_can_be_folded_is(found: list[Finding]) -> None:
    """A listed finding that another listed one explains could only be less well known: more severe than its cause."""
    listed = settled(*found).findings
    for cause in listed:
        for symptom in listed:
            if symptom.name in cause.explains and cause.name != symptom.name:
                assert verdict.RANK[cause.severity] > verdict.RANK[symptom.severity]


def test_a_symptom_is_folded_into_its_cause() -> None:
    cause = finding("model.softmax-before-cross-entropy", explains=("optimisation.underfitting",))
    result = settled(finding("optimisation.underfitting", "warning"), cause)
    assert names(result.findings) == ["model.softmax-before-cross-entropy"]
    assert result.findings[0].folded == ("optimisation.underfitting",)
    assert names(result.folded) == ["optimisation.underfitting"]


def test_symptoms_of_symptoms_belong_to_the_first_cause() -> None:
    result = settled(
        finding("model.bad-initial-scale", explains=("optimisation.exploding-gradient",)),
        finding("optimisation.exploding-gradient", explains=("optimisation.non-finite-loss",)),
        finding("optimisation.non-finite-loss"),
    )
    assert names(result.findings) == ["model.bad-initial-scale"]
    assert set(result.findings[0].folded) == {"optimisation.exploding-gradient", "optimisation.non-finite-loss"}


def test_of_findings_that_explain_each_other_one_stays() -> None:
    result = settled(
        finding("model.dead-units", explains=("model.constant-output",)),
        finding("model.constant-output", explains=("model.dead-units",)),
    )
    assert names(result.findings) == ["model.dead-units"]


def test_a_guess_does_not_hide_an_error() -> None:
    guess = finding("model.dead-units", "note", explains=("optimisation.non-finite-loss",))
    assert len(settled(guess, finding("optimisation.non-finite-loss")).findings) == 2


# ---- order -------------------------------------------------------------------------------------------------------


@given(lists, st.randoms())
def test_the_order_does_not_depend_on_the_order_of_the_rules(found: list[Finding], random: object) -> None:
    merged = {each.name: each for each in verdict.merge(found)}
    shuffled = list(merged.values())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert verdict.in_order(shuffled) == verdict.in_order(merged.values())


def test_importance() -> None:
    best_first = [
        finding("loop.stale-optimizer", "warning", proof={"fix": "built after the model"}),
        finding("model.dead-units", "error", 0.6),
        finding("optimisation.non-finite-loss", "error", 0.99),
        finding("loop.missing-zero-grad", "warning", 0.9),
        finding("loop.frozen-parameters", "warning", 0.8),
        finding("optimisation.underfitting", "warning", 0.7),
        finding("loop.unseeded-run", "warning", 0.99),
        finding("model.order-lost", "note", 1.0),
    ]
    assert list(settled(*reversed(best_first)).findings) == best_first


# ---- merging -----------------------------------------------------------------------------------------------------


def test_findings_of_one_name_become_one_with_all_places() -> None:
    result = settled(
        finding("model.dead-units", "warning", 0.7, line=8),
        finding("model.dead-units", "warning", 0.9, line=5),
        finding("model.dead-units", "warning", 0.5, line=5),
    )
    (only,) = result.findings
    assert only.confidence == 0.9
    assert [place.line for place in only.where] == [5, 8]
    assert only.evidence["found"] == 3
    assert only.evidence["also"] == ["model.dead-units in line 8", "model.dead-units in line 5"]


# ---- what the project asks for -----------------------------------------------------------------------------------


def test_the_configuration_suppresses_and_the_reason_is_kept() -> None:
    config = Config(ignore={"loop.unseeded-run": "a demonstration"}, file="pyproject.toml")
    result = settled(finding("loop.unseeded-run"), finding("model.dead-units"), config=config)
    assert names(result.findings) == ["model.dead-units"]
    assert [(each.finding.name, each.by, each.reason) for each in result.suppressed] == [
        ("loop.unseeded-run", "pyproject.toml", "a demonstration")
    ]


def test_a_comment_suppresses_only_on_its_own_line() -> None:
    source = "x = 1\nstep()  # seatrial: ignore[loop.missing-zero-grad] summed on purpose\nstep()\n"
    result = settled(
        finding("loop.missing-zero-grad", line=2),
        finding("loop.missing-zero-grad", line=3),
        finding("model.dead-units", line=2),
        source=source,
    )
    assert sorted((each.name, each.where[0].line) for each in result.findings) == [
        ("loop.missing-zero-grad", 3),
        ("model.dead-units", 2),
    ]
    assert [(each.by, each.reason) for each in result.suppressed] == [(f"{FILE}:2", "summed on purpose")]


def test_a_comment_with_nothing_to_suppress_is_told() -> None:
    source = "step()  # seatrial: ignore[loop.missing-zero-grad, model.dead-units] summed on purpose\n"
    result = settled(finding("loop.missing-zero-grad", line=1), source=source)
    assert [(each.name, each.by) for each in result.unused] == [("model.dead-units", f"{FILE}:1")]
    both = "step()  # seatrial: ignore[model.dead-units] one\nstep()  # seatrial: ignore[model.dead-units] two\n"
    twice = replace(finding("model.dead-units", line=1), where=(Place(FILE, 1, ""), Place(FILE, 2, "")))
    assert settled(twice, source=both).unused == ()
    # What a project ignores in all its scripts need not be in each.
    assert settled(config=Config(ignore={"model.dead-units": "sparse"})).unused == ()


def test_what_a_suppressed_finding_would_explain_is_listed() -> None:
    cause = finding("model.softmax-before-cross-entropy", explains=("optimisation.underfitting",))
    config = Config(ignore={cause.name: ""})
    result = settled(cause, finding("optimisation.underfitting", "warning"), config=config)
    assert names(result.findings) == ["optimisation.underfitting"]


def test_a_severity_of_the_project_counts() -> None:
    config = Config(severity={"model.dead-units": "note"})
    result = settled(finding("model.dead-units"), config=config)
    assert result.findings[0].severity == "note"
    assert not result.errors


def test_a_suppression_in_an_imported_file_that_cannot_work_is_told() -> None:
    result = settled(source="x = 1  # seatrial: ignore[loop.missing-zerograd]\n")
    (told,) = result.not_looked_at
    assert f"{FILE}:1" in told.why
    assert "loop.missing-zero-grad" in told.why


# ---- rules -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Thresholds:
    """share: of units."""

    share: float = 0.5


def dead_units(_: Run, limits: Thresholds) -> Iterator[Finding]:
    yield finding("model.dead-units", evidence={"share": limits.share})


def broken(_: Run, limits: None) -> Iterator[Finding]:
    yield finding("model.constant-output")
    raise ZeroDivisionError(f"no examples, {limits}")


@pytest.fixture(autouse=True)
def two_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {
        "model.constant-output": Rule("model.constant-output", "", None, broken),
        "model.dead-units": Rule("model.dead-units", "", Thresholds(), dead_units),
    }
    monkeypatch.setattr(verdict, "discover", lambda: rules)


def test_a_rule_that_breaks_costs_only_itself_and_is_named() -> None:
    result = verdict.judge([NotLookedAt("rank 1", "not started by us"), NotLookedAt("rank 1", "not started by us")])
    assert set(names(result.findings)) == {"model.dead-units", "model.constant-output"}
    assert result.not_looked_at == (
        NotLookedAt("rank 1", "not started by us"),
        NotLookedAt("model.constant-output", "the rule itself failed: ZeroDivisionError: no examples, None"),
    )


def test_a_threshold_of_the_project_reaches_its_rule() -> None:
    result = verdict.judge([], Config(thresholds={"model.dead-units": {"share": 0.75}}))
    assert {"share": 0.75} in [each.evidence for each in result.findings]


@pytest.mark.parametrize(
    ("thresholds", "part"),
    [
        ({"model.dead-units": {"shares": 0.6}}, "Did you mean share?"),
        ({"model.dead-units": {"share": "much"}}, "Expected a value like 0.5"),
        ({"model.dead-units": {"share": True}}, "found True"),
        ({"model.dead-units": {"share": math.nan}}, "found nan"),
        ({"model.constant-output": {"share": 0.6}}, "It has: none."),
        ({"model.order-lost": {"share": 0.6}}, "no rule finds yet"),
    ],
)
def test_a_threshold_that_no_rule_has_is_refused(thresholds: dict[str, dict[str, float | str]], part: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        verdict.judge([], Config(thresholds=thresholds, file="pyproject.toml"))
    assert part in str(caught.value)


# ---- what was watched --------------------------------------------------------------------------------------------


def look(tick: int, optimizer: int) -> Look:
    return Look(tick, optimizer, (), (), (), (), (), (), (), ())


def test_what_watching_cost_is_told() -> None:
    events: list[Event] = [
        RunStarted("train.py", (), 0.0, "0.1.0", "3.11", "/there"),
        look(0, 0),
        look(0, 1),
        look(5, 0),
        RunEnded("failed", 1, "ValueError: x", None, 390, 390, 10.0, 0.3),
    ]
    result = verdict.judge(events)
    assert result.status == "failed"
    assert result.observation == verdict.Observation(390, 3, 0.3, 0.03)


def test_a_run_without_an_end_was_killed_and_its_turns_are_its_steps() -> None:
    result = verdict.judge([Turns(0, 40, (1, 2), (1, 1)), Turns(40, 1, (1,), (1,), complete=False)])
    assert result.status == "killed"
    assert result.observation.steps == 40
