"""Which examples an epoch shows: orders that show rare classes as often as common ones. Each is decided by the generator alone,
and an epoch stays as long as it was, so that all remedies take the same number of steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Balanced:
    """Each example drawn, with replacement, with a probability that is the same for all classes together (as torch's
    WeightedRandomSampler with weights 1 / n). `classes`: (n,) of each training example."""

    classes: NDArray[np.int64]

    def __call__(self, numbers: NDArray[np.int64], generator: torch.Generator) -> list[int]:
        mine = self.classes[numbers]
        weights = 1.0 / np.bincount(mine)[mine]
        drawn = torch.multinomial(torch.from_numpy(weights), len(numbers), replacement=True, generator=generator)
        return numbers[drawn.numpy()].tolist()


@dataclass(frozen=True, eq=False)
class Undersampled:
    """Rounds, as many as make up an epoch. In each, all examples of the rarest class and as many of each other class, drawn anew
    without replacement: nothing of the large classes is lost for good (as in EasyEnsemble, Liu et al. 2009)."""

    classes: NDArray[np.int64]

    def __call__(self, numbers: NDArray[np.int64], generator: torch.Generator) -> list[int]:
        mine = self.classes[numbers]
        members = [numbers[mine == each] for each in np.unique(mine)]
        least = min(map(len, members))
        order: list[int] = []
        while len(order) < len(numbers):
            chosen = [each[torch.randperm(len(each), generator=generator)[:least].numpy()] for each in members]
            together = np.concatenate(chosen)
            order += together[torch.randperm(len(together), generator=generator).numpy()].tolist()
        return order[: len(numbers)]


@dataclass(frozen=True, eq=False)
class FirstOf:
    """So many of all examples, drawn anew for each epoch: for data that were made more than they were."""

    length: int

    def __call__(self, numbers: NDArray[np.int64], generator: torch.Generator) -> list[int]:
        return numbers[torch.randperm(len(numbers), generator=generator).numpy()[: self.length]].tolist()


class Augmented(torch.utils.data.Dataset[Any]):
    """Training data whose examples are augmented the more often the rarer their class is: with probability 1 - n / largest n.

    Args:
        data: examples, tuples of parts.
        augment: `augment(input)`: a changed copy of the first part of an example.
        classes: (n,) of each example.
    """

    def __init__(self, data: Any, augment: Any, classes: NDArray[np.int64]) -> None:
        counts = np.bincount(classes)
        self.data, self.augment = data, augment
        self.chances = torch.from_numpy(1 - counts[classes] / counts.max())

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, at: int) -> Any:
        example = self.data[at]
        if float(torch.rand(())) >= float(self.chances[at]):
            return example
        return (self.augment(example[0]), *example[1:])
