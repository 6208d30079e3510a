"""The states of the global generators, torch's of the CPU and of each CUDA device above all: kept, compared, put back.

They are all read and set on the host: no device is waited for."""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True, slots=True)
class States:
    """`devices` are those of CUDA, in order; () where CUDA is not in use."""

    cpu: torch.Tensor
    devices: tuple[torch.Tensor, ...]

    def equal(self, other: States) -> bool:
        """Whether nothing was drawn (nor seeded) from one to the other."""
        pairs = list(zip(self.devices, other.devices, strict=False))
        return torch.equal(self.cpu, other.cpu) and all(torch.equal(one, another) for one, another in pairs)

    def put_back(self) -> None:
        torch.set_rng_state(self.cpu)
        for number, state in enumerate(self.devices):
            torch.cuda.set_rng_state(state, number)


def states() -> States:
    """The states now."""
    return States(torch.get_rng_state(), tuple(torch.cuda.get_rng_state_all()) if torch.cuda.is_initialized() else ())


@contextmanager
def unmoved() -> Generator[None]:
    """Whatever is drawn or seeded within, the generators are afterwards as they were."""
    before = states()
    # Seeding before CUDA is in use leaves a note that would seed it later.
    notes: list[Any] = getattr(torch.cuda, "_queued_calls", [])
    noted = list(notes)
    metal = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    try:
        yield
    finally:
        before.put_back()
        if not torch.cuda.is_initialized():
            notes[:] = noted
        if metal is not None:
            torch.mps.set_rng_state(metal)


@contextmanager
def all_unmoved() -> Generator[None]:
    """The same for the generators of Python and numpy, too."""
    ours, theirs = random.getstate(), np.random.get_state()
    try:
        with unmoved():
            yield
    finally:
        random.setstate(ours)
        np.random.set_state(theirs)
