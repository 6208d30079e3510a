"""Kinds of picture: each a function of a run and a finding that gives a chart, or nothing where the record holds nothing to draw.

What the evidence says of a moment or a level stands in a chart of the loss as a dashed line."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from seatrial.events import BatchSeen, GradientChecked, Overfitted
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.report import curves, trial_charts
from seatrial.report.charts import Axis, Chart, axis, chart, columns, field
from seatrial.report.curves import Curve, thin
from seatrial.report.monitoring import MOST_LAYERS, Monitoring
from seatrial.report.monitoring_charts import updates_chart
from seatrial.report.trials import ladder_of
from seatrial.rules.training import Training

MOST_POINTS = 240  # a curve in half the width of the page
MOST_BARS = 40
MOST_FEATURES = 32  # so many are drawn as dots

# Evidence that is a step, and what the dashed line there is called.
MOMENTS = {
    "at_step": "step {}",
    "first_step": "first at step {}",
    "step": "step {}",
    "tick": "step {}",
    "taken_at_tick": "taken at step {}",
    "collapsed_at_step": "collapsed at step {}",
}
# Evidence that is a loss, and what the dashed line there is called.
LEVELS = {"lowest_possible_loss": "lowest possible", "guess": "guessing", "guessing": "guessing"}


@dataclass(eq=False)
class Seen:
    """A run, and what pictures of several findings share."""

    run: Run
    monitoring: Monitoring

    @cached_property
    def training(self) -> Training:
        return Training(self.run)


Picture: TypeAlias = Callable[[Seen, Finding], "Chart | None"]


# ---- curves over the run -----------------------------------------------------------------------------------------


def loss(seen: Seen, finding: Finding) -> Chart | None:
    """The losses, with the moment and the level that the finding speaks of."""
    drawn = [thin(curve, MOST_POINTS) for curve in curves.losses(seen.run)]
    return chart("Loss", drawn, seen.run.ticks, marks=[*_moments(finding), *_levels(finding)])


def rate(seen: Seen, finding: Finding) -> Chart | None:
    """The learning rate, on a logarithmic scale where it spans orders of magnitude."""
    return chart("Learning rate", _held(seen.run, "lr"), seen.run.ticks, marks=_moments(finding))


def setting(seen: Seen, finding: Finding) -> Chart | None:
    """The setting of the optimizer that is named."""
    name = finding.evidence.get("setting")
    return chart(name, _held(seen.run, name), seen.run.ticks) if isinstance(name, str) else None


def updates(seen: Seen, finding: Finding) -> Chart | None:
    """Updates over weights, between what is expected of the optimizer."""
    found = seen.monitoring.updates
    return updates_chart(found, seen.run.ticks) if found is not None else None


def gradient(seen: Seen, finding: Finding) -> Chart | None:
    """The norm of the whole gradient."""
    return chart("Gradient norm", curves.gradient_norms(seen.run), seen.run.ticks, marks=_moments(finding))


def gradients(seen: Seen, finding: Finding) -> Chart | None:
    """Gradient norms of the parameters that are named, else by layer."""
    named = _of_parameters(seen, finding, lambda each: each.gradient)
    return chart("Gradient norm by layer", named or seen.monitoring.layers, seen.run.ticks)


def weights(seen: Seen, finding: Finding) -> Chart | None:
    """Weight norms of the parameters that are named, else of a few from the first to the last."""
    rows: dict[int, list[tuple[int, float]]] = {}
    for look in seen.run.looks:
        for number, norm in zip(look.parameters, look.weight_norm, strict=True):
            rows.setdefault(number, []).append((look.tick, norm))
    infos = seen.training.infos
    named = _named(finding)
    known = [number for number in rows if number in infos and (number in seen.training.matrices or not named)]
    chosen = [number for number in known if _is(infos[number].path, named)] or _spread(
        [number for number in known if number in seen.training.matrices]
    )
    drawn = [_curve(infos[number].path, rows[number]) for number in chosen[:MOST_LAYERS]]
    return chart("Weight norm", drawn, seen.run.ticks)


def dead(seen: Seen, finding: Finding) -> Chart | None:
    """Shares of rectified units that are 0 for all examples."""
    return chart("Share of dead units", seen.monitoring.dead, seen.run.ticks, from_zero=True)


def saturated(seen: Seen, finding: Finding) -> Chart | None:
    """Shares of outputs near a bound."""
    return chart("Share of saturated outputs", seen.monitoring.saturated, seen.run.ticks, from_zero=True)


def clips(seen: Seen, finding: Finding) -> Chart | None:
    """Norms before clipping, and the bound."""
    found = list(seen.run.clips.values())
    drawn = [thin(Curve("norm before clipping", each.ticks, each.norms)) for each in found if each.norms]
    bounds = {
        each.bound: ("bound", each.bound, False) for each in found if math.isfinite(each.bound) and each.bound > 0
    }
    return chart("Gradient norm at the clipping", drawn, seen.run.ticks, marks=list(bounds.values()))


def order(seen: Seen, finding: Finding) -> Chart | None:
    """The mean class of each batch, in the order in which they came."""
    points = [
        (batch.tick, sum(int(label) * count for label, count in counts.items()) / sum(counts.values()))
        for batch in _batches(seen.run, "training", "target")
        if (counts := {label: count for label, count in batch.histogram.items() if label.lstrip("-").isdigit()})
    ]
    return (
        chart("Mean class of each batch", [_curve("mean class", points)], seen.run.ticks) if len(points) > 1 else None
    )


# ---- counts and figures side by side -----------------------------------------------------------------------------


def classes(seen: Seen, finding: Finding) -> Chart | None:
    """How often each class came in the training batches that were looked at."""
    counts: Counter[str] = Counter()
    for batch in _batches(seen.run, "training", "target"):
        counts.update(batch.histogram)
    ordered = sorted(counts.items(), key=lambda each: (len(each[0]), each[0]))[:MOST_BARS]
    title = "Targets of each class, in the batches looked at"
    return columns(title, [(name, [float(count)]) for name, count in ordered], bars=True) if ordered else None


def spreads(seen: Seen, finding: Finding) -> Chart | None:
    """The deviation of each feature of the first training input."""
    return _features(seen, "Deviation of each input feature", lambda batch: batch.feature_stds)


def means(seen: Seen, finding: Finding) -> Chart | None:
    """The mean of each feature of the first training input, and of the first one of an evaluation."""
    return _features(seen, "Mean of each input feature", lambda batch: batch.feature_means)


def bars(title: str, *names: str, against: str = "") -> Picture:
    """Figures of the evidence side by side, with a dashed line at another one."""

    def drawn(seen: Seen, finding: Finding) -> Chart | None:
        found = {name: finding.evidence.get(name) for name in (*names, against) if name}
        known = {name: float(each) for name, each in found.items() if isinstance(each, (int, float))}
        if not set(names) <= known.keys():
            return None
        marks = [(_words(against), known[against])] if against in known else []
        return columns(title, [(_words(name), [known[name]]) for name in names], marks, bars=True)

    return drawn


def lists(names: str, values: str, title: str, level: tuple[str, float]) -> Picture:
    """Figures of the evidence that stand in a list, over the names in another one."""

    def drawn(seen: Seen, finding: Finding) -> Chart | None:
        labels, figures = finding.evidence.get(names), finding.evidence.get(values)
        if not isinstance(labels, list) or not isinstance(figures, list):
            return None
        pairs = [(str(name), [float(each)]) for name, each in zip(labels, figures, strict=False)]
        return columns(title, pairs[:MOST_BARS], [level])

    return drawn


# ---- trials ------------------------------------------------------------------------------------------------------


def sweep(seen: Seen, finding: Finding) -> Chart | None:
    """Errors of a hand-written gradient against the step size of its central differences."""
    checked = [each for each in seen.run.every(GradientChecked) if each.function == finding.evidence.get("function")]
    return trial_charts.errors(checked)


def subset(seen: Seen, finding: Finding) -> Chart | None:
    """The attempt to learn a few examples by heart, all of them in one picture."""
    tried = next(reversed(seen.run.every(Overfitted)), None)
    if tried is None:
        return None
    ladder = ladder_of(tried)
    drawn = [
        Curve(f"{panel.examples} examples", each.ticks, each.values)
        for panel in ladder.panels
        for each in panel.curves[:1]
    ]
    drawn = [curve for curve in drawn if curve.values]
    if not drawn:
        return None
    values = [max(value, 1e-3 * ladder.constant) for curve in drawn for value in curve.values]
    across = Axis(0.0, max(1.0, *(curve.ticks[-1] for curve in drawn)))
    marks = [("best constant", ladder.constant, False)]
    return field("A few examples trained alone", drawn, across, axis([*values, ladder.constant]), marks)


# ---- inner steps -------------------------------------------------------------------------------------------------


def _moments(finding: Finding) -> list[tuple[str, float, bool]]:
    found = [(words, finding.evidence.get(key)) for key, words in MOMENTS.items()]
    return [
        (words.format(value), float(value), True)
        for words, value in found
        if isinstance(value, int) and not isinstance(value, bool)
    ]


def _levels(finding: Finding) -> list[tuple[str, float, bool]]:
    found = [(words, finding.evidence.get(key)) for key, words in LEVELS.items()]
    return [(f"{words} {decimal(value, 3)}", value, False) for words, value in found if isinstance(value, float)]


def _held(run: Run, name: str) -> list[Curve]:
    """A setting of each param group over the run, as steps."""
    return [
        thin(curves.held(f"optimizer {optimizer}, group {group}", series, run.ticks), MOST_POINTS)
        for (optimizer, group, key), series in run.settings.items()
        if key == name
    ][:MOST_LAYERS]


def _named(finding: Finding) -> list[str]:
    named = finding.evidence.get("parameters")
    return [str(each) for each in named] if isinstance(named, list) else []


def _is(path: str, named: Sequence[str]) -> bool:
    return any(path == each or each.endswith(f".{path}") for each in named)


def _of_parameters(seen: Seen, finding: Finding, of: Callable[[curves.ParameterCurves], Curve]) -> list[Curve]:
    named = _named(finding)
    found = [each for each in curves.parameters(seen.run) if _is(each.path, named)][:MOST_LAYERS] if named else []
    drawn = [Curve(each.path, of(each).ticks, of(each).values) for each in found]
    return [curve for curve in drawn if any(curve.values)]


def _spread(numbers: Sequence[int]) -> list[int]:
    most = min(MOST_LAYERS, len(numbers))
    return [numbers[round(at * (len(numbers) - 1) / max(1, most - 1))] for at in range(most)]


def _curve(label: str, points: Sequence[tuple[int, float]]) -> Curve:
    return thin(Curve(label, tuple(tick for tick, _ in points), tuple(value for _, value in points)))


def _batches(run: Run, phase: str, role: str) -> list[BatchSeen]:
    return [batch for batch in run.batches if batch.phase == phase and batch.role == role]


def _features(seen: Seen, title: str, of: Callable[[BatchSeen], tuple[float, ...]]) -> Chart | None:
    """Figures of features, as curves over their numbers: those of training and of evaluation."""
    drawn: list[Curve] = []
    for phase in ("training", "evaluation"):
        batch = next((each for each in _batches(seen.run, phase, "input") if len(of(each)) > 1), None)
        if batch is not None:
            values = of(batch)
            drawn.append(thin(Curve(phase, tuple(range(len(values))), values)))
    drawn = [curve for curve in drawn if curve.values]
    if not drawn:
        return None
    few = all(len(curve.values) <= MOST_FEATURES for curve in drawn)
    drawn = [Curve(each.label, each.ticks, each.values, "evaluation" if few else "raw") for each in drawn]
    last = max(1.0, *(curve.ticks[-1] for curve in drawn))
    return field(
        title, drawn, Axis(0.0, last), axis([value for curve in drawn for value in curve.values]), unit="feature"
    )


def _words(key: str) -> str:
    return key.replace("_", " ")
