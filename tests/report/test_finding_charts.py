"""The figures of a finding as a picture: drawn from the record where it holds them, none where it does not."""

from __future__ import annotations

from dataclasses import replace

import sample_run as sample

from seatrial.catalogue import entries
from seatrial.events import Clips, GroupInfo, OptimizerBuilt
from seatrial.findings import Finding
from seatrial.report import model
from seatrial.report.charts import Chart
from seatrial.report.finding_charts import MOST, PICTURES
from seatrial.verdict import Verdict


def drawn(finding: Finding, **given: object) -> tuple[Chart, ...]:
    verdict = sample.verdict(finding, **given)  # type: ignore[arg-type]
    (shown,) = model.report(verdict).findings
    return shown.charts


def finding(name: str, **evidence: object) -> Finding:
    return Finding(name, "error", "so it is", (), evidence)  # type: ignore[arg-type]


def test_every_picture_is_of_a_finding_in_the_catalogue() -> None:
    assert PICTURES.keys() <= entries().keys()


def test_the_lowest_possible_loss_is_a_line_in_the_loss() -> None:
    (chart,) = drawn(sample.softmax())
    assert chart.title == "Loss"
    assert ("lowest possible 1.46", "mark") in [(label, kind) for _, label, kind in chart.legend]
    assert chart.data is not None
    assert 0 <= chart.data.up.at(1.461) <= 1


def test_a_moment_is_an_upright_line_where_it_was() -> None:
    (chart,) = drawn(finding("optimisation.overfitting", at_step=152))
    assert [(mark.upright, round(mark.percent)) for mark in chart.marks] == [(True, 50)]


def test_gradients_are_those_of_the_parameters_that_are_named() -> None:
    (chart,) = drawn(finding("optimisation.vanishing-gradient", parameters=["Reader.more.weight", "out.weight"]))[:1]
    assert [curve.label for curve in chart.drawn] == ["more.weight", "out.weight"]


def test_updates_stand_between_what_is_expected_of_them() -> None:
    group = GroupInfo(tuple(range(6)), {"lr": 0.05, "momentum": 0.9})
    optimizer = OptimizerBuilt(0, 0, "SGD", (group,), None)
    updates, loss = drawn(finding("optimisation.learning-rate-too-high"), also=[optimizer])
    assert (updates.title, loss.title) == ("Update / weights", "Loss")
    assert next(label for _, label, _ in updates.legend) == "measured"
    assert ("a thousandth", "mark") in [(label, kind) for _, label, kind in updates.legend]


def test_classes_are_counted_over_all_batches_that_were_looked_at() -> None:
    (chart,) = drawn(finding("data.class-imbalance"))
    assert [bar.words for bar in chart.bars] == [f"{digit}: {2 + digit * 7 % 5}" for digit in range(10)]


def test_norms_are_drawn_against_the_bound() -> None:
    clips = Clips(0, tuple(range(50)), tuple(0.5 + at / 100 for at in range(50)), 1e-3, 6, 6)
    chart, _ = drawn(finding("optimisation.clipping-too-tight"), also=[clips])
    assert chart.title == "Gradient norm at the clipping"
    assert [label for _, label, kind in chart.legend if kind == "mark"] == ["bound"]


def test_figures_of_the_evidence_stand_side_by_side() -> None:
    chart, _ = drawn(finding("data.split-overlap", examples=300, overlapping=139))
    assert [bar.words for bar in chart.bars] == ["examples: 300", "overlapping: 139"]


def test_nothing_is_drawn_of_what_cannot_be_drawn() -> None:
    assert drawn(finding("model.unregistered-parameters", tensors=8)) == ()
    assert drawn(finding("data.split-overlap"), changed=[]) != ()
    verdict = sample.verdict(finding("optimisation.clipping-too-tight"))
    (shown,) = model.report(verdict).findings
    assert [chart.title for chart in shown.charts] == ["Loss"]


def test_every_picture_can_be_asked_of_any_run() -> None:
    for name in PICTURES:
        assert len(drawn(finding(name, parameters=["out.weight"], gains=[0.5]), also=sample.tried())) <= MOST


def test_a_second_picture_is_not_drawn_twice() -> None:
    verdict: Verdict = sample.verdict(
        finding("loop.missing-zero-grad"), replace(finding("loop.missing-backward"), confidence=0.5)
    )
    first, second = model.report(verdict).findings
    assert [chart.title for chart in first.charts] == ["Gradient norm", "Loss"]
    assert [chart.title for chart in second.charts] == ["Gradient norm"]
