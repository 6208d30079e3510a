"""A stand-in for gym, gymnasium's predecessor: the same pole, answering as gym 0.26 does, or as 0.21 where the environment
variable STAND_IN_GYM says so: an observation alone from `reset`, and four values from `step`."""

from __future__ import annotations

import os
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

OLD = os.environ.get("STAND_IN_GYM") == "0.21"


class OldCartPole(gymnasium.CartPole):
    """CartPole as gym had it before version 0.26."""

    def reset(self) -> NDArray[np.float32]:
        return super().reset()[0]

    def step(self, action: int) -> tuple[NDArray[np.float32], float, bool, dict[str, Any]]:
        state, reward, fallen, over, more = super().step(action)
        return state, reward, fallen or over, more


def make(name: str) -> gymnasium.CartPole:
    """CartPole, whatever its version."""
    assert name in ("CartPole-v0", "CartPole-v1")
    return OldCartPole() if OLD else gymnasium.CartPole()
