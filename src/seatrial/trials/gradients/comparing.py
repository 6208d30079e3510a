"""Analytic against numerical derivatives, element by element: which agree, which differ, and which cannot be told."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from seatrial.trials.gradients.differences import EPSILON, Difference, Differences
from seatrial.trials.gradients.evaluation import Evaluator
from seatrial.trials.gradients.kinks import sides_at, switched

# A relative difference of this size is none. What is right differs by rounding: 1e-8 and less.
TOLERANCE = 1e-6
# Where two step sizes disagree by more than this share, a kink may lie between: shorter steps are tried.
LOOSE = 1e-3
_SHORTER = (1 / 30, 1 / 1000)
# Of many elements that differ only so many are tried with shorter steps: if most of them stay, all are taken to.
_SAMPLE = 48
_FEW = 4 * _SAMPLE
_LOOKS = 24


@dataclass(frozen=True, slots=True)
class Compared:
    """One tensor's derivatives. All but `whole` have one entry a looked-at element (`elements`: flat numbers).

    `excluded`: the element cannot be told, since a kink or a jump lies where it is, or the function is not defined beside
    it. `whole`: the analytic gradient of all elements, in the tensor's shape."""

    leaf: int
    whole: torch.Tensor
    elements: torch.Tensor
    analytic: torch.Tensor
    numeric: torch.Tensor
    error: torch.Tensor
    differs: torch.Tensor
    excluded: torch.Tensor

    def excess(self) -> torch.Tensor:
        """The relative error |a - n| / max(|a|, |n|) beyond the error bar; 0 for excluded elements."""
        larger = torch.maximum(self.analytic.abs(), self.numeric.abs())
        beyond = ((self.analytic - self.numeric).abs() - self.error).clamp(min=0)
        relative = torch.where(larger > 0, beyond / larger, torch.zeros_like(beyond))
        relative = torch.where(self.analytic.isfinite(), relative, torch.ones_like(relative))
        return torch.where(self.excluded, 0.0, relative)


def compared(differences: Differences, leaf: int, whole: torch.Tensor, elements: torch.Tensor) -> Compared:
    """Compare the elements of one leaf with the central differences of the function."""
    evaluator = differences.evaluator
    analytic = whole.reshape(-1)[elements]
    steps = differences.steps(leaf)[elements]
    first = differences.once(leaf, elements, steps)
    state = _State(analytic, first, steps.clone())
    rows = torch.nonzero(state.differs).reshape(-1)
    if len(rows):
        again = differences.twice(leaf, elements[rows], steps[rows])
        state.take(rows, again)
        state.open[rows] = state.differs[rows] | state.loose(rows)
        _try_shorter(differences, leaf, elements, state)
    differs = state.differs
    excluded = differs & ~state.numeric.isfinite()
    excluded |= _at_kinks(evaluator, leaf, elements, state, differs & ~excluded & analytic.isfinite())
    excluded |= ~differs & state.open & state.loose(slice(None))
    differs = differs & ~excluded
    result = Compared(leaf, whole, elements, analytic, state.numeric, state.error, differs, excluded)
    return result if differs.any() else _with_bar_of_worst(differences, result, steps)


class _State:
    """The best that is known of each element so far; `open` ones are to be tried with a shorter step."""

    def __init__(self, analytic: torch.Tensor, first: Difference, steps: torch.Tensor) -> None:
        self.analytic = analytic
        self.numeric, self.error, self.steps = first.value.clone(), first.error.clone(), steps
        self.open = torch.zeros(len(analytic), dtype=torch.bool)

    @property
    def differs(self) -> torch.Tensor:
        return _differs(self.analytic, self.numeric, self.error)

    def loose(self, rows: torch.Tensor | slice) -> torch.Tensor:
        """Elements whose two step sizes disagree by far more than what is looked for."""
        larger = torch.maximum(self.analytic[rows].abs(), self.numeric[rows].abs())
        return ~(self.error[rows] <= LOOSE * larger)

    def take(self, rows: torch.Tensor, new: Difference) -> None:
        self.numeric[rows], self.error[rows], self.steps[rows] = new.value, new.error, new.step

    def refine(self, rows: torch.Tensor, new: Difference) -> None:
        """Take what a shorter step says of elements, where it says more: agreement that its error allows to be seen,
        or another value than before."""
        analytic, numeric = self.analytic[rows], self.numeric[rows]
        gap = (analytic - numeric).abs()
        sharp = ~(new.error >= gap / 3) & new.value.isfinite()
        tighter = ~(new.error >= self.error[rows]) & new.value.isfinite()
        differs = _differs(analytic, new.value, new.error)
        moved = ~((new.value - numeric).abs() <= new.error + self.error[rows])
        better = torch.where(self.differs[rows], sharp & (~differs | moved), tighter)
        self.take(rows[better], Difference(new.value[better], new.error[better], new.step[better]))
        shorter = rows[sharp & ~better]
        self.steps[shorter] = new.step[sharp & ~better]
        self.open[rows] = self.differs[rows] | self.loose(rows)


def _differs(analytic: torch.Tensor, numeric: torch.Tensor, error: torch.Tensor) -> torch.Tensor:
    larger = torch.maximum(analytic.abs(), numeric.abs())
    return ~((analytic - numeric).abs() <= TOLERANCE * larger + error)


def _try_shorter(differences: Differences, leaf: int, elements: torch.Tensor, state: _State) -> None:
    """A kink that lies within the step but not at the point itself is left behind by a shorter one."""
    todo = torch.nonzero(state.open).reshape(-1)
    if len(todo) > _FEW:
        sample = todo[:: len(todo) // _SAMPLE]
        _shorten(differences, leaf, elements, state, sample)
        if state.differs[sample].double().mean() > 0.5:
            state.open[todo] = state.open[todo] & ~state.differs[todo]
            todo = torch.nonzero(state.open).reshape(-1)
    _shorten(differences, leaf, elements, state, todo)


def _shorten(differences: Differences, leaf: int, elements: torch.Tensor, state: _State, rows: torch.Tensor) -> None:
    usual = differences.steps(leaf)[elements]
    own = differences.evaluator.values[leaf].reshape(-1)[elements].abs() * EPSILON ** (1 / 3)
    for share in (*_SHORTER, None):
        rows = rows[state.open[rows]]
        if share is None:  # a step for the element's own size, in a tensor of far larger ones
            rows = rows[(own[rows] > 0) & (own[rows] < usual[rows] * _SHORTER[-1] / 3)]
        if not len(rows):
            return
        steps = own[rows] if share is None else usual[rows] * share
        state.refine(rows, differences.twice(leaf, elements[rows], steps))


def _at_kinks(
    evaluator: Evaluator, leaf: int, elements: torch.Tensor, state: _State, differs: torch.Tensor
) -> torch.Tensor:
    """Of the elements that differ, those whose step changes which side of something wins."""
    rows = torch.nonzero(differs).reshape(-1)
    found = torch.zeros_like(differs)
    if not len(rows):
        return found
    base = sides_at(evaluator, evaluator.values)
    if not base:
        return found
    looked = rows if len(rows) <= _LOOKS else rows[:: -(-len(rows) // _LOOKS)]
    for row in looked.tolist():
        element, step = int(elements[row]), float(state.steps[row])
        found[row] = any(
            switched(base, sides_at(evaluator, evaluator.moved(leaf, element, sign * step))) for sign in (1, -1)
        )
    if found[looked].all():
        found[rows] = True
    return found


def _with_bar_of_worst(differences: Differences, result: Compared, steps: torch.Tensor) -> Compared:
    """Give the element that agrees least a second step size where rounding alone does not cover its difference: its error
    bar is what a report shows."""
    if bool(((result.analytic - result.numeric).abs() <= result.error)[~result.excluded].all()):
        return result
    larger = torch.maximum(result.analytic.abs(), result.numeric.abs()).clamp(min=1e-300)
    relative = torch.where(result.excluded, 0.0, (result.analytic - result.numeric).abs() / larger)
    row = torch.tensor([int(relative.nan_to_num(0.0).argmax())])
    again = differences.twice(result.leaf, result.elements[row], steps[row])
    if not bool(again.value.isfinite().all()) or bool(_differs(result.analytic[row], again.value, again.error).any()):
        return result
    numeric, error = result.numeric.clone(), result.error.clone()
    numeric[row], error[row] = again.value, again.error
    return replace(result, numeric=numeric, error=error)
