"""Does the output for one example depend on the other examples of its batch, in evaluation mode?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from seatrial.events import Probe
from seatrial.step.capture import Call
from seatrial.step.recorded import Recorded, run_evaluated

# Rounding may differ a little between two replays; what is larger, relative to the largest value, is a change.
TOLERANCE = 1e-4
FEWEST_EXAMPLES = 3


def examples_mixed(step: Recorded) -> Iterator[Probe]:
    """Change one example, replay, and see which others changed, and at which call first.

    Made where axis 0 of all inputs, targets and outputs has one length, so that it holds the examples (and, say, no input
    is a list of all words together with one of where examples begin).
    """
    size = _examples(step)
    if size is None:
        return
    forward = step.forward()
    changed_example = size // 2
    before: dict[int, torch.Tensor] = {}
    first: list[Call] = []

    def keep(call: Call, result: Any) -> None:
        if isinstance(result, torch.Tensor) and result.ndim and result.shape[0] == size:
            before[call.order] = result.detach().clone()

    def compare(call: Call, result: Any) -> None:
        if not first and call.order in before and _others(before[call.order], result, changed_example).any():
            first.append(call)

    with torch.no_grad():
        outputs = run_evaluated(forward, forward.values(), keep)
        kept = [output.detach().clone() for output in outputs]
        values = forward.values()
        for leaf, value in zip(forward.leaves, values, strict=True):
            if step.roles.get(id(leaf)) == "input" and value.shape[0] == size:
                value[changed_example] = value[(changed_example + 1) % size]
        again = run_evaluated(forward, values, compare)
    shares = [
        _others(one, other, changed_example).float().sum().item() / (size - 1)
        for one, other in zip(kept, again, strict=True)
        if one.ndim and one.shape[0] == size
    ]
    share = max(shares, default=0.0)
    node = step.node_of(first[0]) if first and share else -1
    yield Probe(step.seen.tick, "mixing", step.seen.call, node, share, f"{size} examples")


def _examples(step: Recorded) -> int | None:
    """The number of examples, where it is plain which axis they are on."""
    inputs = [leaf.info.shape for leaf in step.leaves("input")]
    targets = [leaf.info.shape for leaf in step.leaves("target") if leaf.info.shape]
    outputs = [out.origin.outputs[out.number].shape for out in step.predictions if isinstance(out.origin, Call)]
    if not inputs or not outputs or any(not shape for shape in outputs):
        return None
    size = outputs[-1][0]
    fits = all(shape and shape[0] == size for shape in (*inputs, *targets))
    return size if fits and size >= FEWEST_EXAMPLES else None


def _others(one: torch.Tensor, other: torch.Tensor, example: int) -> torch.Tensor:
    """Which examples but the given one differ."""
    scale = one.abs().max() if one.is_floating_point() else 1
    difference = (one.double() - other.double()).reshape(one.shape[0], -1).abs()
    found = (
        (difference > TOLERANCE * scale).any(1) if difference.shape[1] else one.new_zeros(len(one), dtype=torch.bool)
    )
    found[example] = False
    return found
