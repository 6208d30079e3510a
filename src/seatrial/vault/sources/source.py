"""What every kind of data offers that can be split and sealed. Nothing here holds a whole data set in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
# A file's content in memory; views spare the copies of large ones.
Content = bytes | bytearray | memoryview
# A member of the sealed part holds so many bytes at most (one example alone may be larger): what is in memory at a time.
SHARD_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Block:
    """Some examples in a row, as far as duplicates are looked for among them; n examples.

    digests   n hashes of 16 bytes, of what a model would see of an example: without its target.
    numbers   (n, features) float32, what is numeric of an example; None where nothing is.
    images    (n, height, width) or (n, height, width, channels) float32; None where examples are no pictures.
    """

    digests: NDArray[np.void]
    numbers: NDArray[np.float32] | None = None
    images: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Some examples of the sealed data, opened in memory. `inputs` is what a prediction is asked for: a dict of columns
    (tables), a dict of arrays (arrays), a list of file contents (folders), a list of examples without their target
    (torch data sets; one part that is left stands alone); `targets` are the answers, one an example, or None where no
    target was named."""

    inputs: Any
    targets: NDArray[Any] | None
    examples: int


@dataclass(frozen=True, slots=True)
class Form:
    """What is to be known of the data in order to read a sealed part. `kind` finds the reader. Plain values: it is written as JSON."""

    kind: str
    target: str | None
    fields: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)


class Source(ABC):
    """Data of one format: n examples in a fixed order, numbered from 0.

    A source is read from its beginning as often as is wanted, some examples at a time.
    """

    form: Form
    left_out: frozenset[str] = frozenset()
    """Columns or arrays that say which example it is, not what it is (a number, a patient, a date): not looked at for duplicates."""
    suffix: str
    """How the name of the training part ends: ".csv"; "" for a folder or a data set."""

    @property
    def compared(self) -> tuple[str, ...]:
        """The columns or arrays by which duplicates are looked for: all but the target and what is left out."""
        return tuple(name for name in self.form.fields if name != self.form.target and name not in self.left_out)

    @abstractmethod
    def __len__(self) -> int:
        """How many examples there are."""

    @abstractmethod
    def column(self, name: str) -> NDArray[Any]:
        """One value an example: of a column of a table, an array with one value an example, or "class" of a folder.

        Raises:
            UsageProblem: there is none of that name (with those that there are).
        """

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """All examples in order, as far as duplicates are looked for."""

    @abstractmethod
    def shards(self, chosen: Mask) -> Iterator[tuple[str, Content]]:
        """The chosen examples in order, as files (name, content) in the format that they came in, each at most `SHARD_BYTES`
        large where that is possible. Every file can be read by itself. The same choice gives the same bytes."""

    @abstractmethod
    def write(self, chosen: Mask, to: Path) -> None:
        """Write the chosen examples to a new file or folder, in the format that they came in. Not kept after an error: the
        caller removes what is half written."""

    def training(self, chosen: Mask) -> Any:
        """The chosen examples of a data set that lies in no file, as a data set.

        Raises:
            TypeError: these data lie in files.
        """
        raise TypeError(f"{type(self).__name__} writes its examples to a file")
