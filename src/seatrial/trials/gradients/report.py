"""What a gradient check says, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.numbers import decimal


@dataclass(frozen=True, slots=True)
class Comparison:
    """The gradient of one tensor against central differences.

    Attributes:
        leaf: number of the tensor among those given. `name`: of a parameter, "input 0", ...
        elements: how many were looked at; `differing` of them differ; `excluded` cannot be told, since a kink or a jump of
            the function (a ReLU at zero, a tie of a maximum) lies where they are.
        relative_error: the largest |a - n| / max(|a|, |n|), beyond the error bar of n.
        worst: index of that element; `analytic`, `numeric` its derivatives, `error` the error bar of the numerical one.
        overall: |a - n| / max(|a|, |n|) of the whole tensors' norms.
        slip: the kind of mistake that explains the difference ("factor 2", "transposed", ...; "other" where none does;
            "" where nothing differs). `sentence`: the same in words.
        deliberate: why the difference is meant ("straight-through", "changes the gradient only"), or "".
        sweep: where it was asked for, |a - n| / max(|a|, |n|) at that element for step sizes relative to its own size.
    """

    leaf: int
    name: str
    shape: tuple[int, ...]
    elements: int
    differing: int
    excluded: int
    relative_error: float
    worst: tuple[int, ...]
    analytic: float
    numeric: float
    error: float
    overall: float
    slip: str = ""
    sentence: str = ""
    deliberate: str = ""
    sweep: tuple[tuple[float, float], ...] = ()

    @property
    def ok(self) -> bool:
        return not self.differing or bool(self.deliberate)

    def __str__(self) -> str:
        size = "x".join(map(str, self.shape)) or "scalar"
        kinks = f", {self.excluded} at kinks" if self.excluded else ""
        head = f"{self.name} ({size}): {self.elements} elements{kinks}, relative error"
        if not self.differing:
            return f"ok     {head} {decimal(self.overall, 2)}"
        head = f"{head} {decimal(self.relative_error, 2)}, {self.differing} differ"
        worst = f"at {list(self.worst)} {decimal(self.analytic, 9)}, but the central difference is {decimal(self.numeric, 9)} ± {decimal(self.error, 1)}"
        return f"{'note' if self.deliberate else 'WRONG':6} {head}; {self.sentence}; {worst}"


@dataclass(frozen=True, slots=True)
class GradientReport:
    """What `check_gradients` found. True where every gradient that was looked at is right, or wrong on purpose.

    `functions`: reports of the custom autograd functions that were called on the way, each by itself."""

    subject: str
    comparisons: tuple[Comparison, ...]
    functions: tuple[GradientReport, ...] = ()
    not_looked_at: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return all(each.ok for each in (*self.comparisons, *self.functions))

    @property
    def wrong(self) -> tuple[Comparison, ...]:
        """The gradients that are wrong, in order."""
        return tuple(each for each in self.comparisons if not each.ok)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        lines = [f"gradients of {self.subject}: {'right' if self.ok else 'WRONG'}"]
        lines += [f"  {each}" for each in self.comparisons]
        lines += [f"  not looked at: {each}" for each in self.not_looked_at]
        lines += [f"  {line}" for each in self.functions for line in str(each).splitlines()]
        return "\n".join(lines)


def missed(names: list[str], wanted: list[int], comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    """What there was no time for, in words."""
    seen = {each.leaf for each in comparisons}
    left = [names[number] for number in wanted if number not in seen]
    return (f"{', '.join(left)}: time was up",) if left else ()
