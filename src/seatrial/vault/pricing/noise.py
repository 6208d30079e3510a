"""Laplace noise from a secret: the same question at the same place gets the same noise, whoever asks again."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Callable

# What it is for, the number of the question or of the refresh, its scale b (mean absolute value, density exp(-|x|/b)/2b).
Noise = Callable[[str, int, float], float]

_BITS = 52  # so that half a step more is still a double, and 0 and 1 are never met


def keyed(secret: bytes) -> Noise:
    """Laplace noise that is a function of the secret, the purpose and the number: HMAC-SHA256 as a random function, then
    the inverse of the distribution function.

    One secret serves one test set. Nothing of the noise need be stored, and going back to an older ledger draws the same
    noise again, not a fresh one whose mean would give the value away.
    """

    def noise(purpose: str, number: int, scale: float) -> float:
        digest = hmac.new(secret, f"{purpose}:{number}".encode(), hashlib.sha256).digest()
        uniform = ((int.from_bytes(digest[:8], "big") >> (64 - _BITS)) + 0.5) / 2**_BITS - 0.5  # within (-1/2, 1/2)
        return math.copysign(scale * -math.log1p(-2 * abs(uniform)), uniform)

    return noise
