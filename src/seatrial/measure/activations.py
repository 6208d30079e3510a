"""What the output of a call looks like, in a few numbers."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from seatrial.measure.access import plain, read, readable, stride_over

# Of larger tensors (but for min, max and nonfinite) evenly spread examples and positions are measured.
MOST_ELEMENTS = 2**17
# Sums over classes are made of fewer still: whether they are all one, or all zero, a few thousand positions tell.
MOST_SUMMED = 2**15
# A sum over classes is only of interest where there can be classes.
MOST_CLASSES = 4096
# Elements nearer to a bound than this share of the range count as saturated: there the slope of tanh is under 0.12
# and that of the sigmoid under 0.03, of at most 1 and 0.25.
SATURATED = 0.03
RECTIFIERS = frozenset(["relu", "relu6", "threshold", "clamp", "clamp_min", "maximum"])
BOUNDS = {
    "tanh": (-1.0, 1.0),
    "sigmoid": (0.0, 1.0),
    "softsign": (-1.0, 1.0),
    "hardtanh": (-1.0, 1.0),
    "hardsigmoid": (0.0, 1.0),
    "relu6": (0.0, 6.0),
}
# Names under which elements are counted on the device, and the shares that follow (of those counted, of the rest).
COUNTS = {"low": "low_share", "high": "high_share"}
REST_COUNTS = {"nonzero": "zero_share", "fractional": "integers"}


def tensor_stats(
    tensor: Tensor, op: str, classes: bool = False, bounds: tuple[float, float] | None = None
) -> dict[str, float]:
    """The figures of `events.Node.stats`, {} for what is complex, empty or cannot be read. Of whole numbers that do not
    lie too far apart also `distinct`, the number of different values.

    Args:
        tensor: the output of the call.
        op: canonical name of the call, which says whether dead or saturated units can be spoken of.
        classes: also sums and log-sum-exps over axis 1 and the last axis (for what may be class scores).
        bounds: of a saturating function, where they are not those of `BOUNDS`.

    Costs 0.05 ms for 64 x 128 on a CPU; one transfer, two where something is not finite.
    """
    if not readable(tensor) or tensor.is_complex() or tensor.numel() == 0:
        return {}
    values = plain(tensor)
    bounds = bounds or BOUNDS.get(op)
    stats = _measured(values, values, op, classes, bounds)
    nonfinite = 0
    if not (math.isfinite(stats["min"]) and math.isfinite(stats["max"])):
        finite = torch.isfinite(values)
        nonfinite = values.numel() - int(finite.sum())
        if nonfinite == values.numel():
            return {"nonfinite": float(nonfinite)}
        kept = values[finite]
        stats = _measured(kept, torch.where(finite, values, kept.mean()), op, classes, bounds)
    stats = _completed(stats, nonfinite)
    if stats["integers"] == 1 and nonfinite == 0 and stats["max"] - stats["min"] < MOST_CLASSES:
        counts = torch.bincount((_thinned(values).reshape(-1) - stats["min"]).to(torch.int64))
        stats["distinct"] = float(torch.count_nonzero(counts))
    return stats


def answered_alike(scores: Tensor) -> float:
    """The share (0..1) of examples (or of their positions) that get the commonest class, that of the highest score over
    axis 1. nan where there is one score only, and for what cannot be read."""
    if not readable(scores) or scores.is_complex() or scores.numel() == 0 or scores.ndim < 2 or scores.shape[1] < 2:
        return math.nan
    answers = _thinned(scores).argmax(1).reshape(-1)
    return float(torch.bincount(answers).max()) / len(answers)


def one_sided(scores: Tensor) -> float:
    """The share (0..1) of scores on the commoner side of zero, or of one half where all lie between 0 and 1."""
    if not readable(scores) or scores.is_complex() or scores.numel() == 0:
        return math.nan
    low, high = (float(end) for end in torch.aminmax(scores))
    few = _thinned(scores)
    above = int(torch.count_nonzero(few > (0.5 if low >= 0 and high <= 1 else 0.0))) / few.numel()
    return max(above, 1 - above)


def _measured(
    whole: Tensor, values: Tensor, op: str, classes: bool, bounds: tuple[float, float] | None
) -> dict[str, float]:
    low, high = torch.aminmax(whole)
    values = _thinned(values)
    return _read({"min": low, "max": high, **_figures(values, op, classes, bounds)}, values.numel())


def _figures(values: Tensor, op: str, classes: bool, bounds: tuple[float, float] | None) -> dict[str, Tensor]:
    """What is read from the device, by name."""
    mean = values.mean()
    varying = values - mean
    figures = {
        "mean": mean,
        "variance": torch.mul(varying, varying).mean(),
        "nonzero": torch.count_nonzero(values),
        "fractional": torch.count_nonzero(torch.frac(values)),
    }
    if values.ndim >= 2 and len(values) > 1:
        figures["feature_std"] = _feature_std(varying)
    if op in RECTIFIERS and values.ndim >= 2:
        figures["dead_share"] = _dead_share(values)
    if bounds is not None:
        margin = SATURATED * (bounds[1] - bounds[0])
        figures["low"] = torch.count_nonzero(values <= bounds[0] + margin)
        figures["high"] = torch.count_nonzero(values >= bounds[1] - margin)
    if classes and values.ndim >= 1:
        few = _thinned(values, MOST_SUMMED)
        figures |= _over_classes(few, -1, "")
        if values.ndim > 2:
            figures |= _over_classes(few, 1, "class_")
    return figures


def _feature_std(varying: Tensor) -> Tensor:
    """Mean over the features of their standard deviation over axis 0."""
    varying = varying - varying.mean(0)
    return torch.mul(varying, varying).mean(0).sqrt_().mean()


def _dead_share(values: Tensor) -> Tensor:
    """The share of units that are 0 for all examples. Units are axis 1 of images, the last axis of vectors; of three
    axes it is not known which (batch x time x unit, batch x channel x time): the one with more dead ones."""
    axes = {1} if values.ndim != 3 else {1, 2}
    shares = [
        (values.abs().amax([axis for axis in range(values.ndim) if axis != unit]) == 0).to(values.dtype).mean()
        for unit in axes
    ]
    return shares[0] if len(shares) == 1 else torch.maximum(shares[0], shares[1])


def _over_classes(values: Tensor, axis: int, prefix: str) -> dict[str, Tensor]:
    if values.shape[axis] > MOST_CLASSES:
        return {}
    low, high = torch.aminmax(values.sum(axis))
    return {
        f"{prefix}sum_min": low,
        f"{prefix}sum_max": high,
        f"{prefix}logsumexp_absmax": torch.linalg.vector_norm(torch.logsumexp(values, axis).reshape(-1), math.inf),
    }


def _thinned(values: Tensor, most: int = MOST_ELEMENTS) -> Tensor:
    """Evenly spread examples, then positions, of a large tensor: axes 1 and last stay whole as long as possible."""
    order = [0, *range(2, values.ndim - 1), *([1] if values.ndim > 2 else [])]
    for axis in order:
        excess = values.numel() / most
        if excess <= 1:
            break
        fewest = 32 if axis == 0 else 2
        step = stride_over(values.shape[axis], max(fewest, int(values.shape[axis] / excess)))
        values = values[(slice(None),) * axis + (slice(None, None, step),)]
    return values


def _read(figures: dict[str, Tensor], size: int) -> dict[str, float]:
    """The figures as numbers, counts as shares of `size` elements."""
    numbers = dict(zip(figures, read(list(figures.values())), strict=True))
    for count, share in COUNTS.items():
        if count in numbers:
            numbers[share] = numbers.pop(count) / size
    for count, share in REST_COUNTS.items():
        numbers[share] = 1 - numbers.pop(count) / size
    return numbers


def _completed(stats: dict[str, float], nonfinite: int) -> dict[str, float]:
    """What follows from the figures that were read."""
    std = math.sqrt(stats.pop("variance"))
    feature_std = stats.pop("feature_std", math.nan)
    # Rounding in the mean of equal values leaves a deviation of about one part in 1e7.
    still = std <= 1e-6 * abs(stats["mean"]) or std == 0
    stats |= {
        "std": std,
        "absmax": max(abs(stats["min"]), abs(stats["max"])),
        "nonfinite": float(nonfinite),
        "spread": feature_std / std if not still else (0.0 if feature_std == feature_std else math.nan),
    }
    if "sum_min" in stats and "class_sum_min" not in stats:
        stats |= {f"class_{name}": stats[name] for name in ("sum_min", "sum_max", "logsumexp_absmax")}
    return stats
