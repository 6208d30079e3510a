"""DataLoaders: what they are built over, how often they are used, and which data the last batch came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Subset,
    TensorDataset,
    random_split,
)

from seatrial.events import LoaderBuilt, LoaderIterated
from seatrial.taps import batches


@pytest.fixture
def heard(listen: Callable[..., Any]) -> Any:
    return listen(batches.install)


def numbers(count: int) -> TensorDataset:
    return TensorDataset(torch.arange(count).float())


class Stream(IterableDataset[int]):
    def __iter__(self) -> Iterator[int]:
        return iter(range(5))

    def __len__(self) -> int:
        return 5


class Augmented(Dataset[Any]):
    def __init__(self, inner: Dataset[Any], sign: int) -> None:
        self.inner = inner
        self.sign = sign

    def __getitem__(self, index: int) -> Any:
        return self.inner[index]

    def __len__(self) -> int:
        return len(self.inner)  # pyright: ignore[reportArgumentType]


class Loader(DataLoader[Any]):
    def __init__(self, data: Any) -> None:
        super().__init__(data, batch_size=2)


def test_a_loader_is_told_as_it_was_built(heard: Any) -> None:
    DataLoader(numbers(10), batch_size=4, shuffle=True, drop_last=True)
    built = heard.one(LoaderBuilt)
    assert (built.examples, built.batches, built.batch_size, built.sampler, built.drop_last, built.workers) == (
        10,
        2,
        4,
        "RandomSampler",
        True,
        0,
    )
    assert built.where.function == "test_a_loader_is_told_as_it_was_built"


def test_a_loader_of_the_users_own_is_placed_where_it_is_built(heard: Any) -> None:
    Loader([1, 2, 3])
    built = heard.one(LoaderBuilt)
    assert built.where.function == "test_a_loader_of_the_users_own_is_placed_where_it_is_built"
    assert (built.examples, built.batches, built.sampler) == (3, 2, "SequentialSampler")


def test_loaders_over_parts_of_the_same_data_are_known_by_their_base(heard: Any) -> None:
    data = numbers(10)
    train, held_out = random_split(data, [8, 2])
    for part in (data, train, train, Augmented(held_out, -1), Augmented(Augmented(Subset(data, [1]), 1), 1)):
        DataLoader(part)
    DataLoader(numbers(10))
    built = heard.all(LoaderBuilt)
    assert len({loader.base for loader in built[:5]}) == 1
    assert built[5].base != built[0].base
    assert built[1].data == built[2].data
    assert len({loader.data for loader in built}) == 5


def test_lists_are_known_while_their_loader_lives(heard: Any) -> None:
    data = [1, 2, 3]
    first = DataLoader(data)  # pyright: ignore[reportArgumentType]
    second = DataLoader(data)  # pyright: ignore[reportArgumentType]
    one, two = heard.all(LoaderBuilt)
    assert one.data == two.data
    assert first is not second


def test_streams_are_not_asked_for_their_length(heard: Any) -> None:
    loader = DataLoader(Stream(), batch_size=2)
    assert (heard.one(LoaderBuilt).examples, heard.one(LoaderBuilt).batches) == (-1, -1)
    assert loader._IterableDataset_len_called is None


def test_a_batch_sampler_is_told_by_its_name(heard: Any) -> None:
    class Bucketed(BatchSampler):
        pass

    data = numbers(9)
    DataLoader(data, batch_sampler=Bucketed(RandomSampler(data), 4, drop_last=False))
    built = heard.one(LoaderBuilt)
    assert (built.sampler, built.batch_size, built.batches) == ("Bucketed", 4, 3)
    DataLoader(data, batch_size=None)
    assert heard.all(LoaderBuilt)[1].batch_size == -1


def test_batches_that_were_trained_on_are_counted(heard: Any) -> None:
    train, held_out = DataLoader(numbers(6), batch_size=2), DataLoader(numbers(4), batch_size=2)
    for _ in range(2):
        for _ in train:
            heard.watch.tick += 1
        for _ in held_out:
            pass
    next(iter(held_out))
    heard.watch.finish()
    first, second = heard.all(LoaderIterated)
    assert (first.iterations, first.batches, first.training_ticks) == (2, 6, 6)
    assert (second.iterations, second.batches, second.training_ticks) == (3, 5, 0)


def test_one_batch_at_a_time_is_counted_as_well(heard: Any) -> None:
    train = DataLoader(numbers(6), batch_size=2)
    for _ in range(3):
        next(iter(train))
        heard.watch.tick += 1
    heard.watch.finish()
    seen = heard.one(LoaderIterated)
    assert (seen.iterations, seen.batches, seen.training_ticks) == (3, 3, 3)


def test_the_data_of_the_last_batch_is_known(heard: Any) -> None:
    train, held_out = DataLoader(numbers(4), batch_size=2), DataLoader(numbers(2), batch_size=2)
    data = [built.data for built in heard.all(LoaderBuilt)]
    assert heard.watch.last_data == -1
    for _ in train:
        assert heard.watch.last_data == data[0]
        for _ in held_out:
            assert heard.watch.last_data == data[1]
        assert heard.watch.last_data == data[0]
    assert heard.watch.last_data == -1


def test_the_same_batches_come_in_the_same_order(listen: Callable[..., Any]) -> None:
    def drawn() -> list[list[float]]:
        torch.manual_seed(3)
        loader = DataLoader(numbers(10), batch_size=3, shuffle=True)
        return [batch.tolist() for _ in range(2) for (batch,) in loader]

    expected = drawn()
    listen(batches.install)
    assert drawn() == expected
    assert "seatrial" not in str(vars(DataLoader(numbers(2))))
