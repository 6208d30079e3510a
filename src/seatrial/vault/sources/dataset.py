"""torch data sets: examples by their numbers, sealed as files of `torch.save` that load with `weights_only=True`."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, Subset

from seatrial.step.generators import all_unmoved
from seatrial.vault.sources.checks import checked, listed, refused, target_among, unknown
from seatrial.vault.sources.digests import digests, features, pictures
from seatrial.vault.sources.examples import as_numpy, leaves, packed, raw, size_of, unpacked
from seatrial.vault.sources.source import SHARD_BYTES, Block, Content, Form, Mask, Part, Source

KIND = "dataset"
_BLOCK_BYTES = 4 << 20
_READ_TWICE = 8
_AT_A_TIME = 16


class DatasetSource(Source):
    """A map-style data set with a length. An example's target is its last part; in a dict the key `target`, or one with a
    usual name; an example that is one value alone has none. Reading draws no random numbers of the process.

    Raises:
        UsageProblem: it has no length or no examples, an example is of other types or cannot be read, two readings of one
            differ, or the target is not there.
    """

    suffix = ""

    def __init__(self, data: Any, target: str | None = None) -> None:
        hint = "Give a data set with __len__ and __getitem__: list(dataset) makes one of a stream."
        if isinstance(data, IterableDataset) or not (hasattr(data, "__getitem__") and hasattr(data, "__len__")):
            raise refused("a path or a data set with a length", f"a {type(data).__name__}", "no-length", hint)
        if len(data) == 0:
            raise refused("a data set with examples", "an empty one", "empty-data", "Give one with examples.")
        self._data = data
        with all_unmoved():
            first = self._example(0)[0]
            self._check_repeatable()
        fields = _fields(first)
        if target is None and fields and not isinstance(first, dict):
            target = fields[-1] if len(fields) > 1 else None
        else:
            target = target_among(fields, target, "key")
        self.form = Form(KIND, target, fields)

    def __len__(self) -> int:
        return len(self._data)

    def column(self, name: str) -> NDArray[Any]:
        names = self.form.fields
        if name == "target" and name not in names and self.form.target is not None:
            name = self.form.target
        if name not in names:
            raise unknown(name, names, "key")
        return _stacked([_part(example, name) for example, _ in self._examples(np.arange(len(self)))])

    def blocks(self) -> Iterator[Block]:
        waiting: list[Any] = []
        size = 0
        for example, _ in self._examples(np.arange(len(self))):
            inputs = _inputs(example, self.form.target)
            waiting.append(inputs)
            size += size_of(inputs)
            if size >= _BLOCK_BYTES:
                yield _block(waiting)
                waiting, size = [], 0
        if waiting:
            yield _block(waiting)

    def shards(self, chosen: Mask) -> Iterator[tuple[str, Content]]:
        number, size = 0, 0
        waiting: list[tuple[Any, str]] = []
        for example, kinds in self._examples(np.flatnonzero(checked(chosen, len(self)))):
            grown = size_of(example)
            if waiting and size + grown > SHARD_BYTES * 7 // 8:
                yield f"{number:06}.pt", _saved(waiting)
                number, size, waiting = number + 1, 0, []
            waiting.append((example, kinds))
            size += grown
        if waiting:
            yield f"{number:06}.pt", _saved(waiting)

    def write(self, chosen: Mask, to: Path) -> None:
        """A data set is not written: `training` gives its training part.

        Raises:
            UsageProblem: always.
        """
        raise refused(
            "a training part in memory",
            f"a file {to} to write it to",
            "no-file-for-dataset",
            "Use the one that is given back.",
        )

    def training(self, chosen: Mask) -> Subset[Any]:
        """The chosen examples as a data set, read from the original when they are asked for."""
        return Subset(self._data, np.flatnonzero(checked(chosen, len(self))).tolist())

    def _examples(self, numbers: NDArray[np.int64]) -> Iterator[tuple[Any, str]]:
        for start in range(0, len(numbers), _AT_A_TIME):
            # Not one by one: to keep the state of the generators takes longer than to read a small example.
            with all_unmoved():
                some = [self._like_first(number) for number in numbers[start : start + _AT_A_TIME].tolist()]
            yield from some

    def _like_first(self, number: int) -> tuple[Any, str]:
        example, kinds = self._example(number)
        if _fields(example) != self.form.fields:
            expected = f"the parts {listed(self.form.fields)} in each example, as in the first one"
            found = f"{listed(_fields(example)) or 'one value alone'} in example {number}"
            raise refused(expected, found, "unlike-examples", "Give all examples the same parts.")
        return example, kinds

    def _example(self, number: int) -> tuple[Any, str]:
        try:
            example = self._data[number]
        except Exception as error:
            found = f"{type(error).__name__} at example {number}: {' '.join(str(error).split())}"
            raise refused("examples that can be read", found, "unreadable-example", "Mend the data set.") from error
        return packed(example, number)

    def _check_repeatable(self) -> None:
        """Raises UsageProblem where an example is another one at each reading."""
        for number in np.unique(np.linspace(0, len(self) - 1, _READ_TWICE).astype(int)).tolist():
            if raw(self._example(number)[0]) != raw(self._example(number)[0]):
                hint = "Seal the data set without its random transforms: they belong to the training part alone."
                found = f"that example {number} is another one each time it is read"
                raise refused("examples that stay the same", found, "random-dataset", hint)


def read(form: Form, name: str, content: Content) -> Part:
    """The examples of one file of a sealed part, in memory."""
    saved = torch.load(BytesIO(content), weights_only=True)
    examples = [unpacked(example, kinds) for example, kinds in zip(saved["examples"], saved["leaves"], strict=True)]
    if form.target is None:
        return Part(examples, None, len(examples))
    targets = _stacked([_part(example, form.target) for example in examples])
    return Part([_inputs(example, form.target) for example in examples], targets, len(examples))


def _saved(examples: list[tuple[Any, str]]) -> Content:
    file = BytesIO()
    torch.save({"examples": [example for example, _ in examples], "leaves": [kinds for _, kinds in examples]}, file)
    return file.getbuffer()


def _fields(example: Any) -> tuple[str, ...]:
    """What the parts of an example are called: its keys, or their numbers."""
    if isinstance(example, dict):
        return tuple(map(str, example))
    return tuple(map(str, range(len(example)))) if isinstance(example, (tuple, list)) else ()


def _part(example: Any, name: str) -> Any:
    if isinstance(example, dict):
        return {str(key): value for key, value in example.items()}[name]
    return example[int(name)]


def _inputs(example: Any, target: str | None) -> Any:
    """The example without its target; one part that is left of a tuple stands alone."""
    if target is None:
        return example
    if isinstance(example, dict):
        return {key: value for key, value in example.items() if str(key) != target}
    left = [value for at, value in enumerate(example) if str(at) != target]
    return left[0] if len(left) == 1 else tuple(left)


def _stacked(values: list[Any]) -> NDArray[Any]:
    """(n, ...) where all values have one shape, else (n,) objects."""
    arrays = [
        value.float() if isinstance(value, torch.Tensor) and value.dtype == torch.bfloat16 else value
        for value in values
    ]
    try:
        return np.stack([np.asarray(array) for array in arrays])
    except ValueError:
        objects = np.empty(len(values), np.object_)
        for at, value in enumerate(values):
            objects[at] = value
        return objects


def _block(inputs: list[Any]) -> Block:
    numeric = [[array for leaf in leaves(one) if (array := as_numpy(leaf)) is not None] for one in inputs]
    shapes = {tuple((array.shape, array.dtype) for array in arrays) for arrays in numeric}
    named = digests(map(raw, inputs))
    if len(shapes) != 1 or not numeric[0]:
        return Block(named)
    columns = [np.stack(arrays) for arrays in zip(*numeric, strict=True)]
    images = (image for image in map(pictures, columns) if image is not None)
    return Block(named, features(columns), next(images, None))
