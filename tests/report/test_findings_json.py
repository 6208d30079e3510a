"""findings.json is a contract with other programs: its keys, its types, and JSON whatever the figures are."""

import json
import math
from dataclasses import replace
from pathlib import Path

import sample_run as sample

from seatrial import __version__, report
from seatrial.config import Config
from seatrial.report.json import render


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
            }
        ],
        "suppressed": [],
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
