"""What is shown of trials, as plain data and as charts."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import sample_run as sample

from seatrial.events import Event, Forked, NotLookedAt, Overfitted
from seatrial.report import trial_charts
from seatrial.report.charts import Chart, columns
from seatrial.report.model import report
from seatrial.report.trials import Trials, summary, trials


def shown(*events: Event) -> Trials:
    return trials(sample.verdict(sample.softmax(), also=events))


def charts(*events: Event) -> list[Chart]:
    return [chart for part in trial_charts.parts(shown(*events)) for chart in part.charts]


# ---- proofs ------------------------------------------------------------------------------------------------------


def test_a_proof_stands_with_its_finding_and_a_guess_in_the_section() -> None:
    made = report(sample.verdict(sample.softmax(), also=sample.tried()))
    (finding,) = made.findings
    assert finding.experiment is not None
    assert finding.proof is not None
    assert finding.proof["effect"] == finding.experiment.effect
    assert made.trials.shown_above == (finding.name,)
    first = trial_charts.parts(made.trials)[0]
    assert first.heading == "learning rate x 10: is optimisation.learning-rate-too-low the cause?"
    assert first.sentence.startswith("Tried, no clear effect.")


def test_a_proof_of_what_is_not_listed_stands_in_the_section() -> None:
    made = trials(sample.verdict(also=[sample.proof_of_softmax()]))
    assert made.shown_above == ()
    (part,) = trial_charts.parts(made)
    assert part.sentence.startswith("Proven. With the mend (softmax removed) the loss ends lower by 78 %")


def test_the_last_experiment_on_a_finding_counts() -> None:
    made = shown(replace(sample.proof_of_softmax(), mended=(2.0,) * 4), sample.proof_of_softmax())
    assert [each.doubt for each in made.experiments] == [""]


def test_curves_of_the_first_seed_and_ends_of_all() -> None:
    curves, ends = trial_charts.experiment(shown(sample.proof_of_softmax()).experiments[0]).charts
    assert [label for _, label, _ in curves.legend] == ["as it is", "mended"]
    assert [tick.text for tick in ends.across] == ["as it is", "mended", "control"]
    assert [len(drawn.dots) for drawn in ends.drawn] == [4, 4, 3]
    (before,) = ends.marks
    highest = min(y for drawn in ends.drawn for _, y in drawn.dots)
    assert 100 - before.percent < highest  # the loss before training lies above all ends


def test_forks_that_diverged_are_told() -> None:
    (experiment,) = shown(sample.proof_of_softmax()).experiments
    assert "Diverged: 1 of 4 control." in trial_charts.effect_of(experiment)
    lost = replace(sample.proof_of_softmax(), without=(math.inf,) * 4, without_curve=(2.3, math.inf))
    (experiment,) = shown(lost).experiments
    assert "4 of 4 as it is" in trial_charts.effect_of(experiment)
    assert len(trial_charts.experiment(experiment).charts) == 2


def test_one_seed_has_no_interval() -> None:
    forked = sample.proof_of_softmax()
    one = replace(forked, without=forked.without[:1], mended=forked.mended[:1], control=forked.control[:1])
    (experiment,) = shown(one).experiments
    assert "one seed, so that no interval is known" in trial_charts.effect_of(experiment)


# ---- the untrained network ---------------------------------------------------------------------------------------


def test_the_untrained_loss_beside_the_best_constant() -> None:
    dots, classes = charts(sample.untrained())
    assert [len(drawn.dots) for drawn in dots.drawn] == [1, 5]
    assert dots.legend[0][1] == "best constant 2.11"
    assert [bar.words for bar in classes.bars][:2] == ["0: 2.2", "1: 2.22"]
    assert all(bar.bottom == 0 for bar in classes.bars)
    heights = [bar.height for bar in classes.bars]
    assert heights[9] / heights[0] == pytest.approx(2.38 / 2.2)


def test_without_a_best_constant_none_is_named() -> None:
    made = shown(replace(sample.untrained(), constant=math.nan))
    (part,) = trial_charts.parts(made)
    assert "constant" not in part.sentence
    assert not part.charts[0].marks
    assert "constant" not in summary(made)


def test_an_untrained_loss_that_is_not_finite_is_no_chart() -> None:
    (part,) = trial_charts.parts(shown(replace(sample.untrained(), own=math.nan, fresh=(math.inf,), classes={})))
    assert part.charts == ()
    assert "nan" in part.sentence


def test_negative_losses_hang_below_zero() -> None:
    chart = columns("Loss", [("0", [-2.0]), ("1", [-1.0])], bars=True)
    assert chart is not None
    first, second = chart.bars
    assert first.height == pytest.approx(2 * second.height)
    assert first.bottom + first.height == pytest.approx(second.bottom + second.height)


def test_many_names_below_bars_are_thinned() -> None:
    chart = columns("Loss", [(f"{151_000 + at}", [1.0]) for at in range(20)], bars=True)
    assert chart is not None
    assert 2 <= len(chart.across) <= 10


# ---- the ladder --------------------------------------------------------------------------------------------------


def test_a_panel_a_rung_with_the_twins_of_its_size() -> None:
    panels = charts(sample.ladder())
    assert [chart.title for chart in panels] == [
        "1 example: passed, loss 0",
        "5 examples: passed, loss 0.04",
        "20 examples: failed, loss 1.7",
        "32 examples: in part, loss 1",
    ]
    assert [label for _, label, kind in panels[2].legend if kind != "mark"] == [
        "as it is",
        "shuffled targets",
        "inputs of zero",
    ]
    assert {chart.up for chart in panels} == {panels[0].up}  # one scale for all
    assert {chart.marks for chart in panels} == {panels[0].marks}
    assert all(chart.remark == "logarithmic" for chart in panels)


def test_a_loss_of_zero_lies_at_the_lower_end_of_its_axis() -> None:
    rungs = (replace(sample.ladder().rungs[0], curve=(2.0, 1.0, 0.0, 0.0)), *sample.ladder().rungs[1:])
    (chart, *_) = charts(replace(sample.ladder(), rungs=rungs))
    heights = [float(point.split()[1]) for point in chart.drawn[0].path.removeprefix("M").split("L")]
    assert heights[2:] == [1000.0, 1000.0]
    assert 0 < heights[0] < heights[1] < 1000


def test_a_rung_that_had_too_few_steps_has_not_failed() -> None:
    rungs = tuple(replace(rung, steps=10) for rung in sample.ladder().rungs)
    panels = shown(replace(sample.ladder(), rungs=rungs)).ladder
    assert panels is not None
    assert [panel.outcome for panel in panels.panels] == ["passed", "passed", "too few steps", "too few steps"]


def test_a_training_that_broke_at_once_has_no_curve() -> None:
    rungs = tuple(replace(rung, loss=math.inf, curve=(math.nan,)) for rung in sample.ladder().rungs)
    made = shown(replace(sample.ladder(), rungs=rungs))
    assert trial_charts.parts(made)[0].charts == ()


# ---- learning rates ----------------------------------------------------------------------------------------------


def test_the_range_of_rates_with_its_marks() -> None:
    (chart,) = charts(sample.sweep())
    assert [label for _, label, kind in chart.legend if kind == "mark"] == [
        "the script's rate 0.05",
        "limit of stability 3.52",
        "suggestion 0.1",
    ]
    places = [mark.percent for mark in chart.marks]
    assert all(mark.upright for mark in chart.marks)
    assert places[0] < places[2] < places[1]
    whole = math.log10(sample.sweep().rates[52] / sample.sweep().rates[0])  # up to the last finite loss
    assert places[0] == pytest.approx(100 * math.log10(0.05 / 5e-5) / whole)
    assert [tick.text for tick in chart.across] == ["1e-4", "0.001", "0.01", "0.1", "1"]
    assert chart.remark.startswith("cut off")


def test_no_suggestion_says_why() -> None:
    flat = replace(sample.sweep(), losses=(2.3,) * 60, limit=math.nan, curvature=math.nan)
    (part,) = trial_charts.parts(shown(flat))
    assert part.sentence.startswith("No suggestion, because the loss does not fall clearly at any rate.")
    (chart,) = part.charts
    assert [label for _, label, kind in chart.legend if kind == "mark"] == ["the script's rate 0.05"]


def test_a_sweep_that_broke_at_once_is_told_in_words() -> None:
    (part,) = trial_charts.parts(shown(replace(sample.sweep(), losses=(math.inf,) * 60)))
    assert part.charts == ()
    assert "lowest rates already" in part.sentence


# ---- gradients and data ------------------------------------------------------------------------------------------


def test_gradients_that_agree_and_that_do_not() -> None:
    meant = replace(sample.gradient("Round"), deliberate="straight-through")
    (part,) = trial_charts.parts(shown(sample.gradient(), sample.gradient("Scale", 0), meant))
    assert part.sentence == "Backward passes of 3 functions compared with central differences: 2 agree, 1 not."
    assert part.table is not None
    assert [row[-1] for row in part.table.rows] == ["the sign is turned", "", "straight-through"]


def test_the_gradients_of_a_whole_network() -> None:
    (part,) = trial_charts.parts(
        shown(sample.whole(), replace(sample.whole(), when="after 20 steps", regularised=True))
    )
    assert part.sentence == "1234 elements of 6 tensors compared with central differences: all agree."
    assert part.asides == ("Cut off by the program itself: Net.table.",)
    assert part.table is not None
    assert [row[:2] for row in part.table.rows] == [("untrained", "off"), ("after 20 steps", "as it is")]
    (part,) = trial_charts.parts(shown(sample.whole(7)))
    assert part.sentence.endswith("Net.out.weight differs; it is twice as large.")


def test_many_checked_gradients_are_a_table_that_can_be_read() -> None:
    (part,) = trial_charts.parts(shown(*(sample.gradient(f"F{at}", 0) for at in range(70))))
    assert part.table is not None
    assert len(part.table.rows) == 60
    assert part.asides == ("10 more inputs not shown.",)


def test_what_simple_learners_make_of_the_data() -> None:
    (part,) = trial_charts.parts(shown(sample.glance()))
    (chart,) = part.charts
    assert chart.title == "Share of right classes"
    assert [bar.words for bar in chart.bars] == [
        "nearest: 0.91",
        "in its batch: 0.91",
        "linear: 0.84",
        "shifted by 1: 0.1",
    ]
    assert part.table is not None
    assert part.table.rows[-1] == ("feature 36 alone", "0.21", "0.1 ± 0.02", "0.01")


def test_each_set_of_examples_is_shown_by_itself() -> None:
    other = replace(sample.glance(), phase="evaluation", model=1, classes=0)
    first, second = trial_charts.parts(shown(sample.glance(), other))
    assert [first.heading, second.heading] == [
        "Data at a glance: training, model 0",
        "Data at a glance: evaluation, model 1",
    ]
    assert second.charts[0].title == "Correlation of answers and targets"


# ---- all of it ---------------------------------------------------------------------------------------------------


def test_what_could_not_be_tried_is_listed_once() -> None:
    made = report(sample.verdict(also=[NotLookedAt("proofs", "no optimizer", trial=True)]))
    assert [each.what for each in made.trials.not_tried] == ["proofs"]
    assert [each.what for each in made.not_looked_at] == ["worker processes"]
    assert bool(made.trials)


def test_no_trials_are_nothing() -> None:
    made = shown()
    assert not made
    assert summary(made) == ""
    assert trial_charts.parts(made) == []


def failed(*sizes: int) -> Overfitted:
    rungs = tuple(replace(sample.ladder().rungs[0], examples=size, loss=2.0) for size in sizes)
    return replace(sample.ladder(), rungs=rungs)


@pytest.mark.parametrize(
    ("events", "line"),
    [
        ([sample.proof_of_softmax()], "1 finding proven"),
        ([sample.guess_at_the_rate()], "1 suspicion not proven"),
        ([sample.untrained()], "untrained loss 2.27 (best constant 2.11)"),
        ([sample.ladder()], "5 examples overfitted, 20 not"),
        ([replace(sample.ladder(), rungs=sample.ladder().rungs[:2])], "5 examples overfitted"),
        ([failed(1, 5)], "not even 1 example overfitted"),
        ([sample.sweep()], "53 learning rates"),
        ([sample.gradient(), sample.gradient("Scale", 0)], "gradients of 2 functions checked"),
        ([sample.whole()], "1234 gradients of the network checked"),
    ],
)
def test_each_trial_has_its_words(events: list[Event], line: str) -> None:
    assert summary(shown(*events)) == f"Trials: {line}."


def test_an_experiment_without_curves_has_its_ends() -> None:
    bare = replace(sample.proof_of_softmax(), without_curve=(), mended_curve=())
    assert isinstance(bare, Forked)
    (experiment,) = shown(bare).experiments
    (ends,) = trial_charts.experiment(experiment).charts
    assert ends.title == "Loss after 80 steps, a dot a seed"
