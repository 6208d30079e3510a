"""Properties of what a training is made of: the order of examples, subsets, the history and when it ends, averages of losses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tasks import Net
from torch import nn

from seatrial import Task
from seatrial.errors import UsageProblem
from seatrial.practice.dividing import part_of
from seatrial.practice.fitting import randomness
from seatrial.practice.fitting.history import Epoch, History
from seatrial.practice.fitting.losses import Losses
from seatrial.practice.fitting.order import Share, evaluation_loader, training_loader
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.fitting.subset import subset
from seatrial.practice.metrics import examples_in

counts = st.integers(1, 70)
sizes = st.integers(1, 20)


def task(count: int, size: int, classes: int = 3) -> Task:
    return Task(Net, nn.CrossEntropyLoss(), [(float(at), at % classes) for at in range(count)], batch_size=size)


def batches(loader: Any) -> list[list[int]]:
    return [[int(value) for value in inputs] for inputs, _ in loader]


@given(counts, sizes, st.integers(0, 5), st.integers(0, 2**31))
def test_an_epoch_uses_each_example_at_most_once_in_an_order_of_its_own(count, size, epoch, seed):
    of = task(count, size)
    one = batches(training_loader(of, of.train, epoch, seed, Share()))
    used = [at for batch in one for at in batch]
    size = min(size, count)
    assert len(used) == len(set(used)) == count // size * size
    assert all(len(batch) == size for batch in one)
    assert one == batches(training_loader(of, of.train, epoch, seed, Share()))
    if count >= 20 and size <= 5:
        assert one != batches(training_loader(of, of.train, epoch + 1, seed, Share()))


@given(counts, sizes, st.integers(1, 5), st.integers(0, 5))
def test_several_processes_share_the_batches_of_one(count, size, processes, epoch):
    of = task(count, size)
    if min(size, count) < processes:
        return
    alone = batches(training_loader(of, of.train, epoch, 0, Share()))
    parts = [batches(training_loader(of, of.train, epoch, 0, Share(rank, processes))) for rank in range(processes)]
    assert [sorted(at for batch in together for at in batch) for together in zip(*parts, strict=True)] == [
        sorted(batch) for batch in alone
    ]
    whole = [at for rank in range(processes) for batch in batches(evaluation_loader(of, of.train, Share(rank, processes))) for at in batch]  # fmt: skip
    assert sorted(whole) == list(range(count))


@given(st.integers(20, 200), st.floats(0.1, 1.0), st.integers(2, 4), st.integers(0, 2**31))
def test_a_subset_has_the_share_of_each_class(count, share, classes, seed):
    of = task(count, 1, classes)
    chosen: Any = subset(of, share, seed)
    found = [chosen[at] for at in range(len(chosen))]
    assert len(found) == (count if share == 1 else max(1, round(share * count)))
    assert len({x for x, _ in found}) == len(found)
    for name in range(classes):
        exact = len(found) * sum(y == name for _, y in of.train) / count  # pyright: ignore[reportGeneralTypeIssues]
        assert abs(sum(y == name for _, y in found) - exact) < 1
    again: Any = subset(of, share, seed)
    assert [again[at] for at in range(len(again))] == found


def test_a_subset_below_a_batch_is_refused():
    with pytest.raises(UsageProblem, match=r"at least one batch \(16 examples\), found 4 of 40"):
        subset(task(40, 16), 0.1, 0)


@given(
    st.lists(st.one_of(st.floats(0, 10), st.just(math.nan)), min_size=1, max_size=12), st.integers(0, 4), st.booleans()
)
def test_the_best_epoch_is_the_first_with_the_best_number_and_patience_counts_from_it(values, patience, highest):
    settings = Settings(epochs=100, patience=patience, highest=highest)
    history = History()
    for at, value in enumerate(values):
        better = history.add(Epoch(at + 1, 1, 1.0, value, {}, 0.1, 0.0), settings)
        assert better == (history.best == at + 1)
        numbers = [each for each in values[: at + 1] if not math.isnan(each)]
        if numbers:
            assert values.index((max if highest else min)(numbers)) == history.best - 1
        else:
            assert history.best == at + 1
        assert history.is_over(settings) == (0 < patience <= at + 1 - history.best)


@given(st.lists(st.tuples(st.one_of(st.floats(-5, 5), st.just(math.inf)), st.integers(1, 9)), min_size=1, max_size=9))
def test_the_mean_loss_weighs_batches_by_their_examples_and_leaves_out_what_is_no_number(given_losses):
    losses = Losses()
    for value, count in given_losses:
        losses.add(torch.tensor(value, dtype=torch.float64), count)
    good = [(value, count) for value, count in given_losses if math.isfinite(value)]
    assert losses.read() == (len(good) == len(given_losses))
    assert losses.examples == sum(count for _, count in good)
    assert losses.total == pytest.approx(sum(value * count for value, count in good))
    assert losses.broken == len(given_losses) - len(good)


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_generators_wherever_they_are_held_are_put_back(kind, tmp_path):
    class Holder:
        def __init__(self) -> None:
            self.parts = [{"one": np.random.Generator(kind(3))}, torch.Generator().manual_seed(4)]
            self.itself = self

    def drawn() -> list[Any]:
        one: Any = holder.parts[0]
        return [float(one["one"].normal()), float(torch.rand(1, generator=holder.parts[1])), np.random.rand()]  # pyright: ignore

    holder = Holder()
    drawn()
    before = np.random.get_state()
    torch.save(randomness.state(holder), tmp_path / "state.pt")
    first = drawn()
    randomness.restore(torch.load(tmp_path / "state.pt", weights_only=True), holder)
    assert drawn() == first
    with pytest.raises(ValueError, match="zip"):
        randomness.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    np.random.set_state(before)


def test_the_examples_of_a_batch_are_counted_whatever_its_form():
    x = torch.zeros(5, 2)
    assert [examples_in(each) for each in (x, (x, x), {"a": x}, {"a": {"b": [x]}}, [1, 2, 3], torch.tensor(1.0))] == [5, 5, 5, 5, 3, 1]  # fmt: skip
    assert examples_in(None) == 1


def test_a_sampler_of_a_part_is_given_the_numbers_that_examples_had():
    labels = np.arange(100) % 4
    seen: list[set[int]] = []

    def rare(numbers, generator):
        seen.append(set(numbers.tolist()))
        return [int(each) for each in numbers if labels[each] == 3]

    examples = [(torch.tensor([float(at)]), at) for at in range(100)]
    of = Task(lambda: nn.Linear(1, 1), nn.MSELoss(), examples, batch_size=4, sampler=rare)
    odd = part_of(part_of(of, range(50, 100)), range(1, 50, 2))
    shown = [int(each) for _, target in training_loader(odd, odd.train, 0, 0, Share()) for each in target]
    assert seen == [set(range(51, 100, 2))] and shown == list(range(51, 99, 4))
    strange = part_of(of.having(sampler=lambda numbers, generator: [0, 1, 2, 3]), range(50, 100))
    with pytest.raises(UsageProblem, match="task-sampler"):
        training_loader(strange, strange.train, 0, 0, Share())
