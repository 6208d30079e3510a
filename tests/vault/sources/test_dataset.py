"""torch data sets: sealed without a pickle, read without touching the process's random numbers."""

from __future__ import annotations

import io
import random
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from seatrial.errors import UsageProblem
from seatrial.vault.sources import dataset as datasets
from seatrial.vault.sources import source_of
from seatrial.vault.sources.dataset import DatasetSource


class Made(Dataset[Any]):
    """Examples made by a function of their numbers."""

    def __init__(self, make: Any, length: int = 10) -> None:
        self.make = make
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> Any:
        return self.make(number)


class Pair(NamedTuple):
    x: int
    y: int


def alike(found: Any, expected: Any) -> bool:
    """Equal in values and types, all the way down."""
    if type(found) is not type(expected):
        return False
    if isinstance(expected, dict):
        return list(found) == list(expected) and all(alike(found[key], expected[key]) for key in expected)
    if isinstance(expected, (tuple, list)):
        return len(found) == len(expected) and all(map(alike, found, expected))
    if isinstance(expected, (torch.Tensor, np.ndarray)):
        return found.dtype == expected.dtype and found.shape == expected.shape and bool((found == expected).all())
    return bool(found == expected)


def rich(number: int) -> dict[str, Any]:
    return {
        "array": np.arange(6.0).reshape(2, 3)[:, ::-1] + number,
        "count": np.int64(number),
        "flag": np.bool_(number % 2),
        "nested": (number, [2.5, torch.full((2,), number, dtype=torch.bfloat16)], {"deep": None}),
        "text": f"example {number}",
        "bytes": b"\x00\xff",
        "complex": 1 + 2j,
        "zero": np.array(1.5),
        7: torch.zeros(0),
        "y": number % 3,
    }


def test_examples_come_back_as_they_were(opened: Any) -> None:
    source = source_of(Made(rich))
    chosen = np.arange(10) % 3 == 1
    part = opened(source, chosen)
    assert source.form.target == "y"
    assert part.targets.tolist() == [1, 1, 1]
    for number, example in zip((1, 4, 7), part.inputs, strict=True):
        assert alike(example, {key: value for key, value in rich(number).items() if key != "y"})
    training = source.training(chosen)
    assert isinstance(training, Subset)
    assert alike([training[at] for at in range(3)], [rich(number) for number in (1, 4, 7)])


def test_tensor_data_sets(opened: Any) -> None:
    x, y = torch.randn(200, 1, 10, 12), torch.randint(0, 5, (200,))
    source = source_of(TensorDataset(x, y))
    chosen = np.random.default_rng(0).random(200) < 0.4
    with patch.object(datasets, "SHARD_BYTES", 10_000):
        files = [bytes(content) for _, content in source.shards(chosen)]
        assert files == [bytes(content) for _, content in source.shards(chosen)]
        part = opened(source, chosen)
    assert len(files) > 1
    # A view would carry all of `x` into each file.
    assert all(len(file) < 30_000 for file in files)
    loaded = [example for file in files for example in torch.load(io.BytesIO(file), weights_only=True)["examples"]]
    assert torch.equal(torch.stack([example[0] for example in loaded]), x[chosen])
    assert torch.equal(torch.stack(part.inputs), x[chosen])
    np.testing.assert_array_equal(part.targets, y[chosen])
    np.testing.assert_array_equal(source.column("1"), y)
    np.testing.assert_array_equal(source.column("target"), y)
    with patch.object(datasets, "_BLOCK_BYTES", 10_000):
        blocks = list(source.blocks())
    assert len(blocks) > 1
    np.testing.assert_array_equal(np.concatenate([block.numbers for block in blocks]), x.reshape(200, -1))
    np.testing.assert_array_equal(np.concatenate([block.images for block in blocks])[..., 0], x[:, 0])


def test_digests_see_no_target_and_all_else() -> None:
    examples = [(torch.ones(2), "a", 0), (torch.ones(2), "a", 1), (torch.ones(2), "b", 0), (torch.ones(2, 1), "a", 0)]
    digests = np.concatenate([block.digests for block in source_of(examples).blocks()])
    assert digests[0] == digests[1]
    assert len(set(digests.tolist())) == 3


def test_targets(opened: Any) -> None:
    everything = np.ones(4, np.bool_)
    assert source_of(Made(lambda number: torch.ones(3) * number, 4)).form.target is None
    alone = opened(source_of(Made(lambda number: torch.ones(3) * number, 4)), everything)
    assert alone.targets is None
    assert torch.equal(torch.stack(alone.inputs)[:, 0], torch.arange(4.0))
    first = opened(source_of(Made(lambda number: (number, "in", 2), 4), "0"), everything)
    assert first.targets.tolist() == [0, 1, 2, 3]
    assert first.inputs[0] == ("in", 2)
    ragged = opened(source_of(Made(lambda number: (number, torch.ones(number)), 4)), everything)
    assert [len(target) for target in ragged.targets] == [0, 1, 2, 3]
    assert source_of(Made(lambda number: {"a": 1, "b": 2}, 4)).form.target is None
    with pytest.raises(UsageProblem, match=r"a name among a, b, found 'z'.*no-such-key"):
        source_of(Made(lambda number: {"a": 1, "b": 2}, 4), "z")
    with pytest.raises(UsageProblem, match="no-such-key"):
        source_of(Made(lambda number: (1, 2), 4)).column("2")


def test_random_numbers_of_the_process_stay() -> None:
    def drawing(number: int) -> Any:
        random.random(), np.random.rand(), torch.rand(1)
        return torch.ones(2) * number, number

    def states() -> Any:
        return (
            random.getstate(),
            np.random.get_state()[1].tolist(),
            np.random.get_state()[2],
            torch.get_rng_state().tolist(),
        )

    before = states()
    source = DatasetSource(Made(drawing))
    list(source.blocks()), list(source.shards(np.ones(10, np.bool_))), source.column("1")
    assert states() == before


@pytest.mark.parametrize(
    "draw", [random.random, np.random.rand, lambda: torch.rand(1).item(), iter(range(10**6)).__next__]
)
def test_a_random_data_set_is_refused(draw: Any) -> None:
    with pytest.raises(UsageProblem, match=r"example \d+ is another one each time.*random transforms.*random-dataset"):
        source_of(Made(lambda number: (torch.ones(2) * (draw() if number > 7 else 1), 0)))


@pytest.mark.parametrize(
    ("make", "slug", "said"),
    [
        (lambda number: (Image.new("L", (2, 2)), 0), "unfit-example", "ToTensor"),
        (lambda number: (object() if number == 4 else 1, 0), "unfit-example", "object in example 4"),
        (lambda number: Pair(1, 2), "unfit-example", "Pair in example 0"),
        (lambda number: (np.array([None]), 0), "unfit-example", "NumPy array of object in example 0"),
        (lambda number: (np.array(["a"]), 0), "unfit-example", "NumPy array of <U1"),
        (lambda number: (torch.eye(2).to_sparse(), 0), "unfit-example", "sparse"),
        (lambda number: {Pair(1, 2): 1}, "unfit-example", "the key Pair"),
        (lambda number: (1, 2)[: 1 + (number != 5)], "unlike-examples", "0 in example 5"),
        (lambda number: 1 // (number - 3), "unreadable-example", "ZeroDivisionError at example 3"),
    ],
)
def test_examples_that_cannot_be_kept_are_refused(make: Any, slug: str, said: str) -> None:
    with pytest.raises(UsageProblem) as refusal:
        list(source_of(Made(make)).shards(np.ones(10, np.bool_)))
    assert refusal.value.slug == slug
    assert said in str(refusal.value)


def test_what_is_no_data_set_is_refused(tmp_path: Any) -> None:
    class Stream(IterableDataset[Any]):
        def __iter__(self) -> Any:
            return iter(range(3))

    for none in (Stream(), 3, iter([1])):
        with pytest.raises(UsageProblem, match=r"a path or a data set with a length.*list\(dataset\).*no-length"):
            source_of(none)
    with pytest.raises(UsageProblem, match="empty-data"):
        source_of([])
    with pytest.raises(UsageProblem, match="no-file-for-dataset"):
        source_of([(1, 2)]).write(np.ones(1, np.bool_), tmp_path / "x")
