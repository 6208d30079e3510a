"""Small subsets of a recorded batch, in the shapes of the whole batch, so that every step can be replayed on them."""

from __future__ import annotations

import torch

from seatrial.step.capture import Call
from seatrial.step.recorded import Recorded
from seatrial.step.replay import NotReplayable, Step


def batch_size(step: Recorded) -> int:
    """The number of examples of a batch, where axis 0 of inputs, targets and answers is plainly that of the examples (or of
    the examples with all their positions, one example after the other).

    Raises:
        NotReplayable: it is not plain.
    """
    inputs = [leaf.info.shape for leaf in step.leaves("input")]
    targets = [leaf.info.shape for leaf in step.leaves("target")]
    answers = [out.origin.outputs[out.number].shape for out in step.answers if isinstance(out.origin, Call)]
    if not inputs or not targets or not answers:
        raise NotReplayable("it has no inputs, no targets or no answer of a model")
    sizes = {shape[0] if shape else 0 for shape in inputs}
    size = min(sizes)
    if len(sizes) != 1 or not size or any(not shape or shape[0] % size for shape in (*targets, *answers)):
        raise NotReplayable("it is not plain which axis holds the examples")
    return size


def subset(step: Recorded, leaves: Step, examples: int) -> list[torch.Tensor]:
    """The values of all leaves where the first so many examples fill the whole batch, again and again."""
    return with_rows(step, leaves, torch.arange(batch_size(step)) % examples)


def with_rows(step: Recorded, leaves: Step, rows: torch.Tensor) -> list[torch.Tensor]:
    """The values of all leaves where the batch is made of these of its examples (as many as it has)."""
    values = leaves.values()
    for at, leaf in enumerate(leaves.leaves):
        if step.roles.get(id(leaf)) in ("input", "target"):
            values[at] = _rows(values[at].detach(), rows).requires_grad_(leaf.info.requires_grad)
    return values


def _rows(value: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Examples of a batch; each may lie in several rows, one after the other."""
    return value.reshape(len(rows), -1, *value.shape[1:])[rows.to(value.device)].reshape(value.shape)


def with_other_targets(step: Recorded, leaves: Step, values: list[torch.Tensor], examples: int) -> None:
    """Give the examples each other's targets, by a fixed shuffle that is the same in every repetition."""
    shuffle = torch.randperm(examples, generator=torch.Generator().manual_seed(0))
    rows = shuffle[torch.arange(batch_size(step)) % examples]
    for at, leaf in enumerate(leaves.leaves):
        if step.roles.get(id(leaf)) == "target":
            values[at] = _rows(leaf.value, rows)


def without_inputs(step: Recorded, leaves: Step, values: list[torch.Tensor]) -> None:
    """Make all inputs zero: what is learned now is learned from the targets alone."""
    for at, leaf in enumerate(leaves.leaves):
        if step.roles.get(id(leaf)) == "input":
            values[at] = torch.zeros_like(values[at])
