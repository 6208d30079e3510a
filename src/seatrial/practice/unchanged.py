"""What a task's trials must leave as they found it: the random numbers of the process and torch's modes."""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


@contextmanager
def unchanged() -> Generator[None]:
    """Within it gradients are on; after it the states of all global generators and the default dtype are what they were."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    # Seeding before CUDA is in use leaves a note that would seed it later.
    notes: list[Any] = getattr(torch.cuda, "_queued_calls", [])
    noted = list(notes)
    metal = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    dtype = torch.get_default_dtype()
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        torch.set_default_dtype(dtype)
        if devices:
            torch.cuda.set_rng_state_all(devices)
        elif not torch.cuda.is_initialized():
            notes[:] = noted
        if metal is not None:
            torch.mps.set_rng_state(metal)


def seed(number: int) -> None:
    """Seed all global generators, by the functions that a person would call."""
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)
