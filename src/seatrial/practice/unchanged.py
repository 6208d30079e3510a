"""What a task's trials must leave as they found it: the random numbers of the process and torch's modes."""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import contextmanager

import numpy as np
import torch

from seatrial.step.generators import all_unmoved


@contextmanager
def unchanged() -> Generator[None]:
    """Within it gradients are on; after it the states of all global generators and the default dtype are what they were."""
    dtype = torch.get_default_dtype()
    try:
        with all_unmoved(), torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(dtype)


def seed(number: int) -> None:
    """Seed all global generators, by the functions that a person would call."""
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)
