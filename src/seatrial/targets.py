"""Where a run is to be sent once it is over, as a person writes it: `mlflow:URI`, `tensorboard:DIR`, `wandb`, `trackio`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.catalogue import nearest
from seatrial.errors import UsageProblem

TRACKERS = ("mlflow", "tensorboard", "trackio", "wandb")


@dataclass(frozen=True, slots=True)
class Target:
    """`tracker`: one of TRACKERS. `where`: a tracking URI (mlflow), a folder (tensorboard), a project (wandb, trackio); "" is
    wherever the tracker sends by itself."""

    tracker: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.tracker}:{self.where}" if self.where else self.tracker


def targets(texts: Iterable[str], said: str) -> tuple[Target, ...]:
    """What each text names, once each. `said`: where they stand, for the message.

    Raises:
        UsageProblem: one names no tracker that is known, or ends with its colon.
    """
    return tuple(dict.fromkeys(_target(text, said) for text in texts))


def _target(text: str, said: str) -> Target:
    name, colon, where = text.strip().partition(":")
    if name not in TRACKERS:
        near = nearest(name, TRACKERS)
        hint = f"Did you mean {near[0]}?" if near else f"Known trackers: {', '.join(TRACKERS)}."
        raise UsageProblem(f"Expected a tracker for {said}, found {text!r}.", "no-such-tracker", hint)
    if colon and not where:
        raise UsageProblem(
            f"Expected a place after {name}: for {said}, found none.",
            "no-such-tracker",
            f"Write {name} without the colon.",
        )
    return Target(name, where)
