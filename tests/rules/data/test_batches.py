"""What is said of training and evaluation batches, and what is left alone, on hand-made runs."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from graphs import FILE
from trainings import SOURCE, batch, evaluated, falling, loader, noisy, run_of, step

from seatrial.events import Event
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules import discover

LOSSES = noisy(falling(2.3, 0.3, 60))
DRAWS = random.Random(1)


def said(run: Run, name: str) -> list[Finding]:
    rule = discover()[f"data.{name}"]
    return list(rule.check(run, rule.limits))


def batches(classes: list[int], size: int = 10, epochs: int = 2) -> list[Event]:
    """Batches of inputs and targets in the order of the classes, example by example."""
    events: list[Event] = []
    for tick in range(epochs * len(classes) // size):
        rows = [(tick * size + at) % len(classes) for at in range(size)]
        events.append(batch(tick, [1000 + row for row in rows]))
        events.append(batch(tick, rows, role="target", classes=[classes[row] for row in rows]))
    return events


SORTED = [number // 30 for number in range(120)]
MIXED = DRAWS.sample(SORTED, len(SORTED))


class TestOrder:
    def test_a_sequential_loader_over_sorted_classes(self) -> None:
        (finding,) = said(run_of(LOSSES, *batches(SORTED), *loader(120, 10, 2, 24)), "unshuffled-training-data")
        assert finding.severity == "error"
        assert finding.where[0].line == 3

    def test_slices_that_come_back_in_each_epoch(self) -> None:
        assert said(run_of(LOSSES, *batches(SORTED)), "unshuffled-training-data")

    def test_a_fixed_order_of_mixed_classes_is_no_fault(self) -> None:
        assert not said(run_of(LOSSES, *batches(MIXED), *loader(120, 10, 2, 24)), "unshuffled-training-data")

    def test_few_classes_a_batch_drawn_anew_are_no_fault(self) -> None:
        events = [*batches(SORTED), *loader(120, 10, 2, 24, "PKSampler")]
        assert not said(run_of(LOSSES, *events), "unshuffled-training-data")


class TestRepetition:
    def test_one_batch_of_a_loader_that_has_more(self) -> None:
        same = [batch(tick, range(8)) for tick in range(40)]
        (finding,) = said(run_of(LOSSES[:40], *same, *loader(80, 8, 40, 40)), "repeated-batch")
        assert 6 in [place.line for place in finding.where]

    def test_all_of_the_data_in_each_step_is_no_fault(self) -> None:
        assert not said(run_of(LOSSES, *[batch(tick, range(80)) for tick in range(40)]), "repeated-batch")

    def test_words_that_recur_are_no_repeated_examples(self) -> None:
        words = [batch(tick, [DRAWS.randrange(9) for _ in range(32)]) for tick in range(40)]
        assert not said(run_of(LOSSES, *words, *loader(3200, 32, 1, 40)), "repeated-batch")


class TestOverlap:
    TRAINED = [batch(tick, range(10 * tick, 10 * tick + 10)) for tick in range(20)]

    def test_validation_examples_that_were_trained_on(self) -> None:
        (finding,) = said(run_of(LOSSES, *self.TRAINED, evaluated(20, range(170, 270))), "split-overlap")
        assert finding.evidence["overlapping"] == 30

    def test_a_score_on_the_training_data_beside_others_is_no_fault(self) -> None:
        passes = evaluated(20, range(200), label="val"), evaluated(20, range(300, 400), label="test")
        assert not said(run_of(LOSSES, *self.TRAINED, *passes), "split-overlap")

    def test_validating_on_nothing_but_training_data(self) -> None:
        assert said(run_of(LOSSES, *self.TRAINED, evaluated(20, range(200), label="val")), "split-overlap")

    def test_natural_duplicates_are_no_overlap(self) -> None:
        trained = [batch(tick, [DRAWS.randrange(30) for _ in range(10)]) for tick in range(20)]
        held = evaluated(20, [DRAWS.randrange(25, 60) for _ in range(200)])
        assert not said(run_of(LOSSES, *trained, held), "split-overlap")

    def test_a_stream_predicted_before_it_is_learned_is_no_fault(self) -> None:
        days = [evaluated(tick, range(10 * tick, 10 * tick + 10), label="test") for tick in range(3)]
        assert not said(run_of(LOSSES, *days, *self.TRAINED), "split-overlap")

    def test_a_stream_predicted_after_it_is_learned(self) -> None:
        days = [evaluated(tick + 1, range(10 * tick, 10 * tick + 10), label="test") for tick in range(3)]
        assert said(run_of(LOSSES, *days, *self.TRAINED), "split-overlap")

    def test_a_validation_before_the_training_that_comes_again(self) -> None:
        passes = [evaluated(tick, range(170, 270)) for tick in (0, 20)]
        assert said(run_of(LOSSES, *passes, *self.TRAINED), "split-overlap")

    @pytest.mark.parametrize(("answers", "faults"), [(range(500, 540), 0), (range(300, 340), 1)])
    def test_new_measurements_at_the_same_places_are_no_copies(self, answers: range, faults: int) -> None:
        def measured(phase: str, tick: int, places: range, targets: range) -> list[Event]:
            target = replace(batch(tick, targets, phase=phase, means=[0.0]), role="target")
            return [batch(tick, places, phase=phase, means=[0.0]), target]

        parts = [range(start, start + 10) for start in range(0, 40, 10)]
        trained = [
            event
            for tick, part in enumerate(5 * parts)
            for event in measured("training", tick, part, range(300 + part.start, 300 + part.stop))
        ]
        run = run_of(LOSSES, *trained, *measured("evaluation", 20, range(40), answers), evaluated(20, range(40)))
        assert len(said(run, "split-overlap")) == faults


def held_out(means: list[float], stds: list[float]) -> list[Event]:
    rows = range(900, 1000)
    return [batch(20, rows, phase="evaluation", means=means, stds=stds, line=11), evaluated(20, rows)]


class TestPreparation:
    TRAINED = [batch(tick, range(10 * tick, 10 * tick + 10)) for tick in range(20)]

    @pytest.mark.parametrize(
        ("means", "stds"), [([4.0, 3.0, 5.0], [16.0, 15.0, 17.0]), ([1.2, 0.8, 1.0], [1.0, 0.9, 1.1])]
    )
    def test_evaluation_inputs_on_another_scale(self, means: list[float], stds: list[float]) -> None:
        (finding,) = said(run_of(LOSSES, *self.TRAINED, *held_out(means, stds)), "preprocessing-mismatch")
        assert finding.severity == "error"

    @pytest.mark.parametrize(
        ("means", "stds"), [([0.15, -0.2, 0.0], [1.05, 0.8, 1.2]), ([0.3, 0.1, 0.2], [0.8, 0.75, 0.9])]
    )
    def test_chance_and_augmentation_are_allowed_for(self, means: list[float], stds: list[float]) -> None:
        assert not said(run_of(LOSSES, *self.TRAINED, *held_out(means, stds)), "preprocessing-mismatch")

    def test_parts_scaled_each_by_itself(self) -> None:
        own = [batch(tick, range(100), means=[0.0] * 3, stds=[1.0] * 3) for tick in range(20)]
        run = run_of(LOSSES, *own, *held_out([0.0] * 3, [1.0] * 3))
        assert said(run, "preprocessing-mismatch")


class TestClasses:
    RARE = [int(number % 33 == 0) for number in range(600)]

    def test_a_rare_class_and_a_plain_loss(self) -> None:
        (finding,) = said(run_of(LOSSES, *batches(self.RARE, 20)), "class-imbalance")
        assert finding.severity == "warning"

    def test_who_counts_recall_knows_and_gets_a_note(self) -> None:
        run = run_of(LOSSES, *batches(self.RARE, 20))
        run.sources[FILE] = SOURCE + "\nrecall = hits / positives"
        assert [each.severity for each in said(run, "class-imbalance")] == ["note"]

    def test_even_classes_are_no_fault(self) -> None:
        assert not said(run_of(LOSSES, *batches(MIXED, 10, 4)), "class-imbalance")


class TestValues:
    def test_inputs_that_are_not_finite_and_a_loss_that_is_lost(self) -> None:
        bad = batch(0, range(8))
        bad.stats["nonfinite"] = 3.0
        (finding,) = said(run_of([float("nan")] * 20, bad), "non-finite-input")
        assert finding.severity == "error"
        assert 1 in [place.line for place in finding.where]

    def test_missing_values_that_the_model_masks_are_a_note(self) -> None:
        bad = batch(0, range(8))
        bad.stats["nonfinite"] = 3.0
        assert [each.severity for each in said(run_of(LOSSES, bad), "non-finite-input")] == ["note"]

    def test_inputs_that_never_vary(self) -> None:
        same = [batch(tick, [5] * 16, means=[0.5] * 3, stds=[0.0] * 3) for tick in range(10)]
        for each in same:
            each.stats["constant_share"] = 1.0
        (finding,) = said(run_of(LOSSES, *same), "constant-input")
        assert finding.severity == "error"

    def test_pixels_that_reach_the_first_layer_as_they_are(self) -> None:
        graph = step()
        graph.nodes[0].stats.update(mean=110.0, std=70.0, min=0.0, max=255.0)
        (finding,) = said(run_of(LOSSES, batch(0, range(8)), graph=graph), "unscaled-input")
        assert finding.severity == "warning"
        assert finding.where[0].line == 1

    def test_inputs_of_unit_size_are_no_fault(self) -> None:
        assert not said(run_of(LOSSES, batch(0, range(8))), "unscaled-input")
