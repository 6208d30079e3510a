"""findings.json is a contract with other programs: its keys, its types, and JSON whatever the figures are."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import sample_run as sample
from findings_schema import fitting, schema
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial import __version__, report
from seatrial.config import Config
from seatrial.events import RunEnded, RunStarted
from seatrial.history import Run
from seatrial.report.json import render
from seatrial.verdict import Verdict, settle


def test_the_contract() -> None:
    proof = {"fix": "softmax removed", "loss_without": 1.91, "loss_with": 0.31, "steps": 60}
    proven = replace(sample.softmax(), proof=proof)
    told = json.loads(render(sample.verdict(proven, sample.underfitting())))
    assert told == {
        "schema": 1,
        "seatrial": __version__,
        "script": "digits.py",
        "status": "completed",
        "findings": [
            {
                "name": "model.softmax-before-cross-entropy",
                "severity": "error",
                "confidence": 0.99,
                "message": proven.message,
                "where": [
                    {"file": "digits.py", "line": proven.where[0].line, "function": "forward"},
                    {"file": "digits.py", "line": proven.where[1].line, "function": "<module>"},
                ],
                "evidence": {"classes": 10, "lowest_possible_loss": 1.4612, "loss_at_end": 1.674, "steps": 304},
                "remedy": proven.remedy,
                "practice": "check the loss function",
                "explains": ["optimisation.underfitting"],
                "proof": proof,
                "diff": None,
            }
        ],
        "suppressed": [],
        "unused_suppressions": [],
        "not_looked_at": [
            {"what": "worker processes", "why": "what happens inside of DataLoader workers is not watched"}
        ],
        "observation": {"steps": 304, "full_looks": 11, "seconds": 0.17, "share_of_runtime": 0.0274},
    }


def test_figures_that_are_not_finite_are_strings() -> None:
    odd = replace(sample.softmax(), evidence={"loss": math.nan, "norms": [1.0, math.inf], "by": {"a": -math.inf}})
    (told,) = json.loads(render(sample.verdict(odd)))["findings"]
    assert told["evidence"] == {"loss": "nan", "norms": [1.0, "inf"], "by": {"a": "-inf"}}


def test_a_finding_without_practice_or_place_keeps_its_keys() -> None:
    bare = replace(sample.softmax(), name="model.not-in-the-catalogue", where=())
    (told,) = json.loads(render(sample.verdict(bare)))["findings"]
    assert (told["practice"], told["where"], told["proof"]) == ("", [], None)


def test_what_is_suppressed_stays_visible() -> None:
    config = Config(ignore={"loop.unseeded-run": "a demonstration"}, file=f"{sample.FOLDER}/pyproject.toml")
    told = json.loads(render(sample.verdict(sample.unseeded(), config=config)))
    assert told["findings"] == []
    assert told["suppressed"] == [{"name": "loop.unseeded-run", "by": "pyproject.toml", "reason": "a demonstration"}]


def test_text_that_no_encoding_knows_is_written_all_the_same(tmp_path: Path) -> None:
    text = "\x00\ud800</script>\"'"
    report.write(sample.hostile(text), tmp_path / "new" / "folder")
    assert json.loads((tmp_path / "new/folder/findings.json").read_text(encoding="utf-8"))["script"] == text
    assert (tmp_path / "new/folder/report.html").stat().st_size > 5000


# ---- the published schema ----------------------------------------------------------------------------------------


def verdicts() -> dict[str, Verdict]:
    proven = replace(sample.softmax(), proof={"fix": "softmax removed", "loss_without": math.inf, "steps": 60})
    ignoring = Config(ignore={"loop.unseeded-run": "why"}, file=f"{sample.FOLDER}/pyproject.toml")
    begun = [event for event in sample.events() if isinstance(event, RunStarted)]
    endings = {
        status: RunEnded(status, 1, "E: x", None, 1, 1, 0.0, 0.0) for status in ("failed", "interrupted", "exited")
    }
    return {
        "clean": sample.verdict(),
        "findings": sample.verdict(proven, sample.underfitting(), sample.unseeded(), also=sample.tried()),
        "suppressed": sample.verdict(sample.unseeded(), config=ignoring),
        "killed": settle(Run.of(begun), (), (), Config()),
        "nothing": settle(Run.of(()), (), (), Config()),
        "hostile": sample.hostile("\x00\ud800</script>"),
        **{status: sample.verdict(changed=[ended]) for status, ended in endings.items()},
    }


@pytest.mark.parametrize("kind", verdicts())
def test_every_kind_of_verdict_fits_the_schema_and_has_no_key_beyond_it(kind: str) -> None:
    fitting(render(verdicts()[kind]))


figures = st.one_of(st.booleans(), st.integers(), st.floats(), st.text(), st.none())


def test_the_schema_names_all_that_a_proof_has() -> None:
    told = fitting(render(sample.verdict(sample.softmax(), also=[sample.proof_of_softmax()])))
    assert set(told["findings"][0]["proof"]) == set(schema()["$defs"]["proof"]["properties"])


@settings(max_examples=25)
@given(st.dictionaries(st.text(), st.one_of(figures, st.lists(figures), st.dictionaries(st.text(), figures))))
def test_whatever_the_evidence_it_fits_the_schema(evidence: dict[str, object]) -> None:
    odd = replace(sample.softmax(), evidence=evidence)  # type: ignore[arg-type]
    fitting(render(sample.verdict(odd)))


def test_the_schema_refuses_what_is_no_finding() -> None:
    import jsonschema

    told = json.loads(render(sample.verdict(sample.softmax())))
    for key, value in {"severity": "fatal", "confidence": 2, "where": [{"file": "a.py"}], "name": "no name"}.items():
        broken = {**told, "findings": [{**told["findings"][0], key: value}]}
        with pytest.raises(jsonschema.ValidationError):
            fitting(json.dumps(broken))
    with pytest.raises(jsonschema.ValidationError):
        fitting(json.dumps({**told, "one_more": 1}))


def test_a_mend_that_can_be_given_is_a_diff() -> None:
    line = sample.place("return torch.softmax")
    mended = replace(sample.softmax(), where=(line,), evidence={"made_by": "softmax"})
    told = fitting(render(sample.verdict(mended, sample.unseeded())))["findings"]
    assert [each["diff"] is None for each in told] == [False, True]
    assert "+        return self.out(x)\n" in told[0]["diff"]
