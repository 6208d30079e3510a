"""What is going to be measured, said before anything is seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.vault.metrics import Compute, Metric, metric


@dataclass(frozen=True, slots=True)
class Plan:
    """The metrics of an opening, and what they are to be compared with.

    metrics    names (see `seatrial.vault.metrics.METRICS`), the one that counts first; or functions
               `score(targets, predictions)`, or a `Metric`, by name.
    details    `details(targets, predictions, level)`: what else is to be told by the same look, computed in memory; `level` is what its
               intervals need so that they hold for all looks. Only where the vault answers exactly.
    baseline   what must be beaten, by the name of the metric: a simpler model's score, the share of the largest class.

    Raises:
        UsageProblem: there is no such metric, or none.
    """

    metrics: Sequence[str] | Mapping[str, Compute | Metric] = ("accuracy",)
    baseline: Mapping[str, float] | None = None
    details: Callable[[NDArray[Any], NDArray[Any], float], Any] | None = None

    def __post_init__(self) -> None:
        names = [each.name for each in self.scores]
        if not names:
            hint = 'Give their names: Plan(metrics=["accuracy"]).'
            raise UsageProblem("Expected a plan with a metric, found none.", "vault-metric", hint)
        for name, value in (self.baseline or {}).items():
            if name not in names:
                hint = f"The plan has {', '.join(names)}."
                raise UsageProblem(
                    f"Expected a baseline of a metric in the plan, found {name!r}.", "vault-baseline", hint
                )
            if not math.isfinite(value):
                hint = "Measure it on the validation data first."
                raise UsageProblem(f"Expected a finite baseline, found {value}.", "vault-baseline", hint)

    @property
    def scores(self) -> tuple[Metric, ...]:
        """The metrics themselves."""
        if isinstance(self.metrics, Mapping):
            return tuple(
                each if isinstance(each, Metric) else Metric(name, each) for name, each in self.metrics.items()
            )
        return tuple(metric(name) for name in self.metrics)

    @property
    def written(self) -> dict[str, Any]:
        """As it stands in the ledger."""
        found = {"metrics": [each.name for each in self.scores], "baseline": dict(self.baseline or {})}
        return found if self.details is None else {**found, "details": True}


def baselines_of(words: Sequence[str], metrics: Sequence[str]) -> dict[str, float]:
    """Baselines as they are written on a command line: `accuracy=0.9`, or `0.9` for the first metric.

    Raises:
        UsageProblem: one of them is no number.
    """
    found: dict[str, float] = {}
    for word in words:
        name, equals, value = word.rpartition("=")
        try:
            found[name if equals else metrics[0]] = float(value)
        except ValueError:
            hint = "For instance --baseline accuracy=0.9"
            raise UsageProblem(f"Expected a number for the baseline, found {word!r}.", "vault-baseline", hint) from None
    return found
