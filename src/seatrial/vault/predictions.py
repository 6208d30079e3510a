"""What a model says of the test examples, checked; a model or a metric that fails is told with what it said."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.vault.plan import Plan

Predict = Callable[[Any], Any]
_COUNTS = "This look counts; it has no scores yet, and the same opening can be scored again."


def predicted(predict: Predict, inputs: Any) -> NDArray[Any]:
    """The predictions for some inputs, as an array; tensors too.

    Raises:
        UsageProblem: predicting failed; with what it said and where.
    """
    try:
        found = predict(inputs)
        detach = getattr(found, "detach", None)
        return np.asarray(detach().cpu().numpy() if detach is not None else found)
    except UsageProblem:
        raise
    except (Exception, SystemExit) as error:
        raise UsageProblem(f"Predicting failed: {_said(error)}.", "vault-predictor", _COUNTS) from error


def checked(found: NDArray[Any], examples: int, before: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Predictions of so many examples, (n,) or (n, classes), of the same form as those `before`.

    Raises:
        UsageProblem: they are not that, or not all of them are finite.
    """
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim not in (1, 2) or len(found) != examples:
        raise _unfit(f"{examples} predictions, one an example", f"an array of shape {found.shape}")
    if found.dtype.kind not in "biufUS":
        raise _unfit("predictions that are numbers or names", f"an array of {found.dtype}")
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        bad = int((~np.isfinite(found)).sum())
        raise _unfit("finite predictions", f"{bad} of {found.size} that are not (nan or infinite)")
    if before and before[0].shape[1:] != found.shape[1:]:
        raise _unfit(f"predictions like those before, {before[0].shape[1:]} an example", f"{found.shape[1:]}")
    return found


@contextmanager
def computing(plan: Plan) -> Generator[None]:
    """A metric that cannot be computed is told as that."""
    try:
        yield
    except UsageProblem:
        raise
    except Exception as error:
        names = ", ".join(each.name for each in plan.scores)
        raise UsageProblem(f"Computing {names} failed: {_said(error)}.", "vault-metric-failed", _COUNTS) from error


def check_finite(name: str, value: float | None) -> None:
    """Whether a score can be written down (None: it was not answered).

    Raises:
        UsageProblem: it is no finite number.
    """
    if value is not None and not math.isfinite(value):
        raise UsageProblem(f"Expected a finite {name}, found {value}.", "vault-metric-failed", _COUNTS)


def _unfit(expected: str, found: str) -> UsageProblem:
    hint = f"predict gets the inputs of several examples and returns one entry for each. {_COUNTS}"
    return UsageProblem(f"Expected {expected}, found {found}.", "vault-predictions", hint)


def _said(error: BaseException) -> str:
    """An exception in words, with the line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" (line {frames[-1].lineno} of {frames[-1].filename})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"
