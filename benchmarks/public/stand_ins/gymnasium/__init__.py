"""A stand-in for gymnasium: CartPole-v1 alone (Barto, Sutton and Anderson, Neuronlike adaptive elements that can solve
difficult learning control problems, 1983), with the constants and the rewards of the environment of that name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

GRAVITY, CART, POLE, HALF_LENGTH, FORCE, SECONDS = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
MOST_ANGLE, MOST_POSITION, MOST_STEPS = 12 * math.pi / 180, 2.4, 500


class Spec:
    """What an environment counts as solved at."""

    reward_threshold = 475.0


class CartPole:
    """A pole on a cart: actions push to the left (0) and to the right (1), each step that it stands is worth 1."""

    spec = Spec()

    def __init__(self) -> None:
        self.random = np.random.default_rng()
        self.state: NDArray[np.float64] = np.zeros(4)
        self.steps = 0

    def reset(self, seed: int | None = None) -> tuple[NDArray[np.float32], dict[str, Any]]:
        if seed is not None:
            self.random = np.random.default_rng(seed)
        self.state = self.random.uniform(-0.05, 0.05, 4)
        self.steps = 0
        return self.state.astype(np.float32), {}

    def step(self, action: int) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        x, speed, angle, turning = self.state
        force = FORCE if action == 1 else -FORCE
        total = CART + POLE
        push = (force + POLE * HALF_LENGTH * turning**2 * math.sin(angle)) / total
        swing = (GRAVITY * math.sin(angle) - math.cos(angle) * push) / (
            HALF_LENGTH * (4 / 3 - POLE * math.cos(angle) ** 2 / total)
        )
        gain = push - POLE * HALF_LENGTH * swing * math.cos(angle) / total
        self.state = np.array(
            [x + SECONDS * speed, speed + SECONDS * gain, angle + SECONDS * turning, turning + SECONDS * swing]
        )
        self.steps += 1
        fallen = abs(self.state[0]) > MOST_POSITION or abs(self.state[2]) > MOST_ANGLE
        return self.state.astype(np.float32), 1.0, bool(fallen), self.steps >= MOST_STEPS, {}


def make(name: str, render_mode: str | None = None) -> CartPole:
    """The environment of that name; there is one."""
    assert name == "CartPole-v1" and render_mode is None
    return CartPole()
