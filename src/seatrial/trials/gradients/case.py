"""A wrong gradient, what it can be compared with, and what a hypothesis about it is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import torch

from seatrial.numbers import decimal
from seatrial.trials.gradients.comparing import Compared
from seatrial.trials.gradients.truth import Truth

# A hypothesis fits where it predicts this share of the elements (kinks spoil a few) to this relative accuracy.
SHARE = 0.98
ACCURACY = 1e-5


@dataclass(frozen=True, slots=True)
class Slip:
    """A named kind of mistake: `kind` is one word or two for tables, `sentence` says it for this gradient."""

    kind: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Case:
    """One wrong gradient and what it can be compared with: the tensor's value, all comparisons of the function (its own
    among them), the incoming gradient (`weights`), and what is true of parts of the function.
    `inside`: custom functions are parts of the function, rather than the function itself."""

    own: Compared
    value: torch.Tensor
    others: list[Compared]
    names: list[str]
    values: list[torch.Tensor]
    weights: list[torch.Tensor]
    truth: Truth
    inside: bool

    def predicts(self, prediction: torch.Tensor, rows: torch.Tensor | None = None, gain: float = 1.0) -> bool:
        """Whether a prediction of the analytic gradient (one entry a looked-at element) fits it on some rows, those that
        differ among them. `gain`: by how much the numerical gradient was multiplied for it."""
        rows = self.alive if rows is None else rows
        slack = ACCURACY * torch.maximum(self.own.analytic.abs(), prediction.abs()) + 3 * gain * self.own.error
        return self.mostly((self.own.analytic - prediction).abs() <= slack, rows)

    def mostly(self, fits: torch.Tensor, rows: torch.Tensor) -> bool:
        """Whether what fits are nearly all of some rows, and of those that differ."""
        wrong = rows & self.own.differs
        return bool(wrong.any()) and bool(fits[rows].double().mean() >= SHARE and fits[wrong].double().mean() >= SHARE)

    @property
    def alive(self) -> torch.Tensor:
        """Elements that say something: not excluded, and not zero on both sides."""
        larger = torch.maximum(self.own.analytic.abs(), self.own.numeric.abs())
        return ~self.own.excluded & (larger > 10 * self.own.error)

    def at(self, whole: torch.Tensor) -> torch.Tensor:
        """The looked-at elements of a tensor of the gradient's shape."""
        return whole.reshape(-1)[self.own.elements]


def is_numeric(case: Case, gradient: torch.Tensor) -> bool:
    """Whether a gradient agrees with the numerical one."""
    larger = torch.maximum(gradient.abs(), case.own.numeric.abs())
    near = (gradient - case.own.numeric).abs() <= ACCURACY * larger + 3 * case.own.error
    return case.mostly(near, ~case.own.excluded)


def ratio(case: Case, rows: torch.Tensor, base: torch.Tensor | None = None) -> float | None:
    """The factor by which a prediction (the numerical gradient) has to be multiplied, where one fits all rows."""
    told = case.own.numeric if base is None else base
    told = torch.where(rows, told, torch.zeros_like(told))
    size = float((told**2).sum())
    if size == 0.0 or not bool(rows.any()):
        return None
    factor = float((told * torch.where(rows, case.own.analytic, torch.zeros_like(told))).sum()) / size
    if factor == 0.0 or not math.isfinite(factor):
        return None
    return factor if case.predicts(factor * told, rows, gain=abs(factor)) else None


def told_factor(case: Case, factor: float) -> tuple[str, str]:
    if abs(factor + 1) < 1e-4:
        return "sign", "it has the wrong sign"
    for size in lengths(case):
        if abs(factor / size - 1) < 1e-4:
            return (
                "missing 1/N",
                f"it is {size} times too large: a division by {size}, a length in the data, is missing",
            )
        if abs(factor * size - 1) < 1e-4:
            return (
                "extra 1/N",
                f"it is {size} times too small: it is divided by {size}, a length in the data, once too often",
            )
    return f"factor {decimal(factor, 6)}", f"it is {decimal(factor, 6)} times what it should be"


def lengths(case: Case) -> list[int]:
    """Lengths, and products of lengths, of the tensors' axes; none below 3, so that a factor 2 is one."""
    shapes = [tuple(each.shape) for each in (*case.values, *case.weights)]
    found = {math.prod(dims) for shape in shapes for size in (1, 2, len(shape)) for dims in combinations(shape, size)}
    return sorted(size for size in found if size > 2)


def numeric_whole(case: Case) -> torch.Tensor | None:
    """The numerical gradient in the tensor's shape, if all elements were looked at (zero where excluded)."""
    if len(case.own.elements) != case.own.whole.numel():
        return None
    numeric = torch.where(case.own.numeric.isfinite(), case.own.numeric, case.own.analytic)
    whole = torch.empty(case.own.whole.numel(), dtype=torch.float64)
    whole[case.own.elements] = numeric
    return whole.reshape(case.own.whole.shape)


def outputs(case: Case) -> list[torch.Tensor]:
    return case.truth.outputs


def output_names(case: Case) -> list[str]:
    return [f"output {i}" if i else "the output" for i in range(len(outputs(case)))]


def which(case: Case) -> str:
    """The elements that differ, in words: by their place or by their value."""
    wrong, count = case.own.differs, int(case.own.differs.sum())
    at = torch.unravel_index(case.own.elements, case.own.whole.shape) if case.own.whole.ndim else ()
    if count == 1:
        return f"element {[int(index[wrong]) for index in at]}"
    rows = case.alive
    for axis, index in enumerate(at):
        found = index[wrong].unique()
        if len(found) < case.own.whole.shape[axis] and bool(wrong[rows & torch.isin(index, found)].all()):
            return f"positions {_listed(found.tolist())} of axis {axis}"
    value = case.at(case.value)
    right = value[rows & ~wrong]
    if len(right):
        if bool(value[wrong].max() < right.min()):
            return f"values below {decimal(float(value[wrong].max() + right.min()) / 2)}"
        if bool(value[wrong].min() > right.max()):
            return f"values above {decimal(float(value[wrong].min() + right.max()) / 2)}"
    return f"{count} of {len(wrong)} elements"


def _listed(numbers: list[int]) -> str:
    if len(numbers) > 4 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers[:6])) + (", ..." if len(numbers) > 6 else "")
