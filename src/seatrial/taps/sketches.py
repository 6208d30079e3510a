"""Sends sketches of batches: of a captured step's leaves, and of what is met without one."""

from __future__ import annotations

from seatrial.events import BatchSeen, Place
from seatrial.measure.batches import Sketch
from seatrial.step.capture import Leaf, Origin
from seatrial.taps.watch import Watch


def send_leaves(watch: Watch, program: list[Origin], roles: dict[int, str], model: int) -> None:
    """Send the sketches of a captured step's inputs and targets, numbered each in their order."""
    position = {"input": 0, "target": 0}
    for leaf in program:
        role = roles.get(id(leaf), "")
        if not isinstance(leaf, Leaf) or role not in position or leaf.sketch is None:
            continue
        info = leaf.info
        send_batch(watch, leaf.sketch, "training", role, position[role], model, info.shape, info.dtype, leaf.place)
        position[role] += 1


def send_batch(
    watch: Watch,
    figures: Sketch,
    phase: str,
    role: str,
    position: int,
    model: int,
    shape: tuple[int, ...],
    dtype: str,
    where: Place | None = None,
) -> None:
    """Send a sketch."""
    watch.send(
        BatchSeen(
            tick=watch.tick,
            phase=phase,
            model=model,
            role=role,
            position=position,
            shape=shape,
            dtype=dtype,
            stats=figures.stats,
            histogram=figures.histogram,
            rows=figures.rows,
            feature_means=figures.feature_means,
            feature_stds=figures.feature_stds,
            where=where,
            data=watch.last_data,
        )
    )
