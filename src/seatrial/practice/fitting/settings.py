"""How a task is trained: what a person may choose."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from seatrial.practice.annealing import schedules
from seatrial.practice.optimizers import kinds
from seatrial.practice.refusal import refused

LOSS = "loss"
FOUND = "found"
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
_MIXED = "Mixed precision keeps the weights in 32 bits."


@dataclass(frozen=True, slots=True)
class Settings:
    """How a task is trained.

    epochs       passes over the training data, at most; a schedule is made for so many.
    patience     epochs without an improvement of the validation, after which training stops; 0: never.
    choose       what the best epoch is chosen by: "loss", or a metric of the task.
    highest      whether the best value of that is the highest.
    seed         of the model, the order of the examples and all else that is drawn.
    subset       train on this share of the examples only, each class with its share.
    clip         largest norm of the gradient; 0: it is not clipped.
    optimizer    "sgd", "adamw", "schedule-free"; "": the task's own.
    rate         its learning rate (the largest of its groups); "found": found before training; 0: as it is.
    schedule     what changes the rate, by name (see `seatrial schedules`); "": the task's own, if it has one.
    kept         checkpoints on the way that are kept besides the best and the last, evenly over the epochs.
    until        the epoch after which training ends though a schedule goes on; 0: the last one.
    save_seconds the state from which training can go on is saved at least so often, and after each epoch.
    accelerator, devices, precision   as lightning_fabric.Fabric takes them.

    Raises:
        UsageProblem: a number is out of its range.
    """

    epochs: int = 30
    patience: int = 5
    choose: str = LOSS
    highest: bool = False
    seed: int = 0
    subset: float = 1.0
    clip: float = 0.0
    optimizer: str = ""
    rate: float | str = 0.0
    schedule: str = ""
    kept: int = 3
    until: int = 0
    save_seconds: float = 30.0
    accelerator: str = "auto"
    devices: int = 1
    precision: str = "32-true"

    def __post_init__(self) -> None:
        for name, least in (
            ("epochs", 1),
            ("until", 0),
            ("patience", 0),
            ("kept", 0),
            ("devices", 1),
            ("clip", 0),
            ("save_seconds", 0),
        ):
            value = getattr(self, name)
            if not value >= least:
                raise refused(
                    f"{name} of at least {least}", repr(value), f"fit-{name.replace('_', '-')}", "Give a larger number."
                )
        if self.precision not in PRECISIONS:
            raise refused(f"precision as one of {', '.join(PRECISIONS)}", repr(self.precision), "fit-precision", _MIXED)
        if not 0 < self.subset <= 1:
            raise refused("subset as a share above 0 and up to 1", repr(self.subset), "fit-subset", "A tenth is 0.1.")

        if self.rate != FOUND and not (isinstance(self.rate, (int, float)) and 0 <= self.rate < math.inf):
            raise refused("a rate above 0, or found", repr(self.rate), "fit-rate", "For instance 0.01.")
        if self.rate == FOUND and self.devices > 1:
            hint = "Find it first, alone, with `seatrial lr`, and give its figure."
            raise refused("a rate in figures for several processes", repr(self.rate), "fit-rate", hint)
        if self.optimizer:
            kinds.check_name(self.optimizer)
        if self.schedule:
            schedules.check_name(self.schedule)

    @property
    def last(self) -> int:
        """The number of the last epoch, at most."""
        return min(self.until, self.epochs) or self.epochs

    @property
    def decisive(self) -> dict[str, Any]:
        """What decides the outcome: a training goes on only with the same."""
        free = {"epochs", "until", "patience", "kept", "save_seconds", "accelerator"}
        return {name: value for name, value in asdict(self).items() if name not in free}
