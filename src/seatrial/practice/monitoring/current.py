"""The figures of a training as they stand while it runs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from seatrial.events import BatchSeen, Event, GraphSeen, Losses, NotLookedAt, SourceSeen, Turns
from seatrial.history import Run
from seatrial.report import curves
from seatrial.report.monitoring import monitoring

# Of graphs (of each backward call) and of sketches so many are kept: later ones tell no figure anything new.
GRAPHS_KEPT = 3
SKETCHES_KEPT = 100


@dataclass(frozen=True, slots=True)
class Latest:
    """What is known at a moment. nan, 0 or {} where nothing is known (yet).

    step            backward passes so far.
    loss            of the last of them.
    rates           the learning rate of each param group, by "optimizer 0, group 0".
    evaluations     the last loss of each kind of evaluation.
    gradient_norm   of the whole gradient, at the last full look (`look` is its step).
    gradient_norms  by weight matrix (at most six), there.
    update_ratio    update over weight, the median over weight matrices, there; `expected_ratio`: its low and high end as
                    the optimizer's settings give it (see measure/updates.py).
    dead, saturated shares of dead units and of saturated outputs, by module (at most six).
    signal          share of a gradient that is no noise of the batch, and the `noise_scale` in examples with its interval.
    smoothness      of each first layer's filters, against their beginning: 0 as rough as then, 1 perfectly smooth.
    """

    step: int = 0
    look: int = 0
    loss: float = math.nan
    rates: dict[str, float] = field(default_factory=dict)
    evaluations: dict[str, float] = field(default_factory=dict)
    gradient_norm: float = math.nan
    gradient_norms: dict[str, float] = field(default_factory=dict)
    update_ratio: float = math.nan
    expected_ratio: tuple[float, float] = (math.nan, math.nan)
    dead: dict[str, float] = field(default_factory=dict)
    saturated: dict[str, float] = field(default_factory=dict)
    signal: float = math.nan
    noise_scale: float = math.nan
    noise_scale_interval: tuple[float, float] = (math.nan, math.nan)
    smoothness: dict[str, float] = field(default_factory=dict)


class Current:
    """Keeps what figures are made of."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._kept: Counter[tuple[str, int]] = Counter()

    def hear(self, event: Event) -> None:
        """An event on its way to the record."""
        if isinstance(event, (Turns, SourceSeen, NotLookedAt)):
            return
        if isinstance(event, (GraphSeen, BatchSeen)):
            what = ("graph", event.call) if isinstance(event, GraphSeen) else ("sketch", 0)
            self._kept[what] += 1
            if self._kept[what] > (GRAPHS_KEPT if isinstance(event, GraphSeen) else SKETCHES_KEPT):
                return
        self._events.append(event)

    def run(self, pending: Sequence[Event] = ()) -> Run:
        """The run until now. `pending`: events that are still kept back."""
        return Run.of([*self._events, *pending])

    def latest(self, pending: Sequence[Event] = ()) -> Latest:
        """The figures until now."""
        run = self.run(pending)
        seen = monitoring(run)
        steps = [
            (tick, value)
            for losses in run.every(Losses)
            for tick, value in zip(losses.ticks, losses.values, strict=True)
        ]
        step, loss = max(steps, default=(-1, math.nan))
        norms = [curve.values[-1] for curve in curves.gradient_norms(run) if curve.values]
        updates, noise = seen.updates, seen.noise
        return Latest(
            step=step + 1,
            look=run.looks[-1].tick if run.looks else 0,
            loss=loss,
            rates=_rates(run),
            evaluations=_last([curve for curve in curves.losses(run) if curve.kind == "evaluation"]),
            gradient_norm=norms[0] if norms else math.nan,
            gradient_norms=_last(seen.layers),
            update_ratio=updates.measured.values[-1] if updates else math.nan,
            expected_ratio=(updates.low.values[-1], updates.high.values[-1])
            if updates and updates.low.values
            else (math.nan, math.nan),
            dead=_last(seen.dead),
            saturated=_last(seen.saturated),
            signal=noise.signal.share if noise else math.nan,
            noise_scale=noise.scale if noise else math.nan,
            noise_scale_interval=(noise.low, noise.high) if noise else (math.nan, math.nan),
            smoothness=_last([layer.smoothness for layer in seen.filters]),
        )


def _rates(run: Run) -> dict[str, float]:
    found: dict[str, float] = {}
    for number, built in run.optimizers.items():
        for at, group in enumerate(built.groups):
            rate = group.settings.get("lr")
            if isinstance(rate, (int, float)):
                found[f"optimizer {number}, group {at}"] = float(rate)
    for (optimizer, group, name), series in run.settings.items():
        if name == "lr":
            found[f"optimizer {optimizer}, group {group}"] = series.values[-1]
    return found


def _last(found: Sequence[curves.Curve]) -> dict[str, float]:
    return {curve.label: curve.values[-1] for curve in found if curve.values}
