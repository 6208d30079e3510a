"""How much of a batch's gradient is noise: from gradients of pairs of batches. Numbers only, no torch.

The gradient of a batch of B examples is that of all data, G, plus noise whose squared length is tr(S) / B in the mean, where
S is the covariance of the gradients of single examples. Of two batches, g and h, at (nearly) the same weights

    E[g . h] = |G|^2        E[(|g|^2 + |h|^2) / 2] = |G|^2 + tr(S) / B

so that their ratio is the share of a gradient's squared length that is signal. The *simple noise scale* tr(S) / |G|^2 is the
batch size at which it is one half (McCandlish and others, *An Empirical Model of Large-Batch Training*, 2018, section 2.2
and appendix A.1, where the pair is a small and a large batch). Far smaller batches bear a smaller rate in proportion;
far larger ones cost more examples than they spare steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# The 97.5 % quantile of Student's t with 1, 2, ... degrees of freedom; beyond nearly 2 + 2.5 / freedom.
_STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)


@dataclass(frozen=True, slots=True)
class Signal:
    """`share` of the squared length of a gradient that is signal (1: no noise; may fall a little below 0 by chance), its
    standard `error` (over the pairs; nan of a single one) and the number of `pairs`."""

    share: float
    error: float
    pairs: int

    @property
    def interval(self) -> tuple[float, float]:
        """Within which the share lies with 95 % confidence (Student's t), not beyond 1."""
        if self.pairs < 2:
            return -math.inf, 1.0
        freedom = self.pairs - 1
        reach = self.error * (_STUDENT[freedom - 1] if freedom <= len(_STUDENT) else 2 + 2.5 / freedom)
        return self.share - reach, min(1.0, self.share + reach)


def signal(dots: Sequence[float], squares: Sequence[float]) -> Signal:
    """The share of signal, over pairs of gradients.

    Args:
        dots: g . h of each pair.
        squares: (|g|^2 + |h|^2) / 2 of each pair. Pairs that are not finite or have no length are left out.
    """
    pairs = [(dot, square) for dot, square in zip(dots, squares, strict=True) if math.isfinite(dot + square) and square]
    count = len(pairs)
    if not count:
        return Signal(math.nan, math.nan, 0)
    # Each pair counts by itself: early gradients are far longer and would outweigh all others.
    shares = [dot / square for dot, square in pairs]
    mean = math.fsum(shares) / count
    if count == 1:
        return Signal(mean, math.nan, 1)
    variance = math.fsum((share - mean) ** 2 for share in shares) / (count - 1)
    return Signal(mean, math.sqrt(variance / count), count)


def noise_scale(share: float, batch: int) -> float:
    """The simple noise scale, in examples, by the share of signal in gradients of `batch` examples; inf where there is no
    signal to be seen."""
    return batch * (1 - share) / share if share > 0 else math.inf
