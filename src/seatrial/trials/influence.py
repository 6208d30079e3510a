"""Which parts of the input have no influence on the output, and does the order of a sequence have any?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from seatrial.events import Probe
from seatrial.step.recorded import Recorded, run_evaluated
from seatrial.step.replay import Step

MOST_COLUMNS = 24
SHORTEST_SEQUENCE = 4


def inputs_ignored(step: Recorded) -> Iterator[Probe]:
    """For each input of the network: the share of its features (positions behind axis 0) that never reach the output.

    Floating inputs by the gradient of a random projection of the output (exactly zero for every example) where an exchange
    of those features among the examples leaves the output as it was: behind a `detach` a value counts that has no gradient.
    Others by exchanging the values of one feature after the other.
    """
    forward = step.forward()
    for number, leaf in enumerate(forward.leaves):
        if step.roles.get(id(leaf)) != "input" or len(leaf.info.shape) < 2 or leaf.info.shape[0] < 2:
            continue
        share = _by_gradient(forward, number) if "float" in leaf.info.dtype else None
        share = share or _by_exchange(forward, number)
        if share is not None:
            yield Probe(step.seen.tick, "ignored", step.seen.call, step.node_of(leaf), share[0], share[1])


def order_matters(step: Recorded) -> Iterator[Probe]:
    """For each sequence of tokens or of vectors: how much the output changes when its positions are put in another order,
    relative to how much outputs differ between examples. Made where the output has no axis of positions."""
    forward = step.forward()
    for number, leaf in enumerate(forward.leaves):
        shape = leaf.info.shape
        tokens, vectors = len(shape) == 2 and "int" in leaf.info.dtype, len(shape) == 3 and "float" in leaf.info.dtype
        if step.roles.get(id(leaf)) != "input" or not (tokens or vectors):
            continue
        if shape[1] < SHORTEST_SEQUENCE or shape[0] < 2:
            continue
        with torch.no_grad():
            values = forward.values()
            one = run_evaluated(forward, forward.values())[-1].double()
            if one.ndim != 2 or one.shape[0] != shape[0]:
                continue
            generator = torch.Generator().manual_seed(0)
            values[number] = values[number][:, torch.randperm(shape[1], generator=generator)]
            other = run_evaluated(forward, values)[-1].double()
        spread = one.std(0).mean().item()
        change = (one - other).abs().mean().item() / spread if spread > 0 else 0.0
        yield Probe(step.seen.tick, "order", step.seen.call, step.node_of(leaf), change)


def _by_gradient(forward: Step, number: int) -> tuple[float, str] | None:
    """None where there is no gradient path: the input may go through a part that is not to learn (a target network)."""
    values = forward.values()
    with torch.enable_grad():
        # The input is made by an operation, so that a step which works on it in place may do so.
        source = values[number].detach().requires_grad_(True)
        values[number] = source * 1
        outputs = [output for output in run_evaluated(forward, values) if output.requires_grad]
        if not outputs:
            return None
        generator = torch.Generator().manual_seed(0)
        parts = [(o * torch.randn(o.shape, generator=generator).to(o.device)).sum() for o in outputs]
        total = torch.stack(parts).sum()
        gradient: Any = torch.autograd.grad(total, [source], allow_unused=True)[0]
    if gradient is None:
        return None
    still = (gradient.reshape(len(gradient), -1) == 0).all(0)
    if still.any():
        with torch.no_grad():
            one = run_evaluated(forward, forward.values())
            alike = _exchanged_alike(forward, number, torch.nonzero(still).reshape(-1), one)
        if not alike:
            return _by_exchange(forward, number)
    return still.double().mean().item(), _which(still)


def _by_exchange(forward: Step, number: int) -> tuple[float, str] | None:
    with torch.no_grad():
        whole = forward.values()[number]
        flat = whole.reshape(len(whole), -1)
        columns = [c for c in range(flat.shape[1]) if (flat[:, c] != flat[0, c]).any()]
        columns = columns[:: max(1, len(columns) // MOST_COLUMNS)][:MOST_COLUMNS]
        if not columns:
            return None
        one = run_evaluated(forward, forward.values())
        still = [_exchanged_alike(forward, number, torch.tensor([column]), one) for column in columns]
    names = [column for column, is_still in zip(columns, still, strict=True) if is_still]
    return len(names) / len(columns), f"of {len(columns)} columns tried: {names[:12]}"


def _exchanged_alike(forward: Step, number: int, columns: torch.Tensor, one: tuple[torch.Tensor, ...]) -> bool:
    """Whether the output stays as it was (`one`) when some features of an input are exchanged among the examples."""
    values = forward.values()
    exchanged = values[number].reshape(len(values[number]), -1).clone()
    exchanged[:, columns] = exchanged[:, columns].roll(1, 0)
    values[number] = exchanged.reshape(values[number].shape)
    other = run_evaluated(forward, values)
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def _which(still: torch.Tensor) -> str:
    """The ignored features as ranges."""
    at = torch.nonzero(still).reshape(-1).tolist()
    return f"{len(at)} of {len(still)} features" + (f", from {at[0]} to {at[-1]}" if at else "")
