"""The pictures of a search: its history, slices by parameter, parallel coordinates, what matters, the leaders on fresh seeds."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.numbers import decimal, figure
from seatrial.practice.search.outcome import Search
from seatrial.practice.search.work import AGAIN, COARSE, FINE, LONGER, SEEDS
from seatrial.report import drawing

_STAGES = (COARSE, AGAIN, FINE, LONGER, SEEDS)
_MOST_ACROSS = 4  # slices in a row


def draw(found: Search, folder: Path) -> dict[str, Path]:
    """Write the pictures for which there is something to be seen; where they are, by name."""
    slices = max(1, math.ceil(len(found.names) / _MOST_ACROSS))
    wanted: list[tuple[str, bool, Callable[[Any], None], tuple[float, float]]] = [
        ("history", any(not each.why for each in found.record.results), lambda fig: _history(fig, found), (8, 3.6)),
        ("slices", bool(_first_figures(found)[0]), lambda fig: _slices(fig, found), (8, 2.6 * slices)),
        ("parallel", len(found.names) > 1 and bool(_first_figures(found)[0]), lambda fig: _parallel(fig, found), (8, 3.6)),
        ("importance", bool(found.importances), lambda fig: _importance(fig, found), (8, 0.8 + 0.4 * len(found.importances))),
        ("seeds", found.winner is not None, lambda fig: _seeds(fig, found), (8, 3.2)),
    ]  # fmt: skip
    made: dict[str, Path] = {}
    for name, is_there, fill, size in wanted:
        if is_there:
            made[name] = folder / f"search-{name}.svg"
            drawing.draw(made[name], fill, size)
    return made


def _history(fig: Any, found: Search) -> None:
    """Figures in the order of the stages. Of each stage the best until then: stages train differently long."""
    axes = fig.add_subplot()
    results = [each for each in found.record.results if math.isfinite(each.figure)]
    for colour, stage in zip(drawing.COLOURS, _STAGES, strict=False):
        at = [number for number, each in enumerate(results) if each.stage == stage]
        if at:
            axes.plot(at, [results[number].figure for number in at], "o", color=colour, markersize=4, label=stage)
        best = np.maximum.accumulate if found.settings.highest else np.minimum.accumulate
        for budget in found.budgets if stage not in (AGAIN, SEEDS) else ():
            same = [number for number in at if results[number].job.budget == budget]
            if same:
                axes.step(same, best([results[number].figure for number in same]), where="post", color=colour, lw=1.2)
    _log_where_wide(axes, [each.figure for each in results])
    drawing.plain(axes, "History: every training, and the best until then", "training", found.figure_name)
    axes.legend(frameon=False, fontsize=9)


def _slices(fig: Any, found: Search) -> None:
    """The figure of first trainings over each parameter; the winner's value as a line."""
    names = found.names
    across = min(_MOST_ACROSS, len(names))
    grid: Any = fig.subplots(math.ceil(len(names) / across), across, squeeze=False, sharey=True)
    numbers, values = _first_figures(found)
    order = np.arange(len(numbers))
    for axes, name in zip(grid.flat, names, strict=False):
        places, ticks = _axis(found, name, numbers)
        there = np.isfinite(places)
        axes.scatter(places[there], values[there], c=order[there], cmap="Blues", edgecolors=drawing.COLOURS[0], s=18, linewidths=0.5, vmin=-len(order) / 2)  # fmt: skip
        if found.best is not None and name in found.best.params:
            axes.axvline(_axis(found, name, [found.best.number])[0][0], color=drawing.COLOURS[1], lw=1)
        _log_where_wide(axes, values.tolist())
        drawing.plain(axes, name, "", "")
        axes.set_xticks(*ticks, fontsize=8)
        axes.set_xlim(-0.05, 1.05)
    for axes in grid.flat[len(names) :]:
        axes.set_visible(False)
    for row in grid:
        row[0].set_ylabel(found.figure_name)


def _parallel(fig: Any, found: Search) -> None:
    """A line for each candidate through its values; the better its figure, the darker; the winner in colour."""
    import matplotlib as mpl

    axes = fig.add_subplot()
    names = found.names
    numbers, values = _first_figures(found)
    ranks = np.argsort(np.argsort(-values if found.settings.highest else values)) / max(1, len(values) - 1)
    columns = [_axis(found, name, numbers) for name in names]
    shades = mpl.colormaps["Blues_r"]
    for at in np.argsort(-ranks):
        heights = [places[at] for places, _ in columns] + [1 - ranks[at]]
        axes.plot(range(len(heights)), heights, color=shades(0.1 + 0.75 * ranks[at]), lw=1)
    if found.best is not None and found.best.number in numbers:
        at = numbers.index(found.best.number)
        heights = [places[at] for places, _ in columns] + [1 - ranks[at]]
        axes.plot(range(len(heights)), heights, color=drawing.COLOURS[1], lw=2, label=f"#{found.best.number}, the best on fresh seeds")  # fmt: skip
        axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0, -0.08))
    for at, (_, (places, words)) in enumerate(columns):
        for place, word in zip(places, words, strict=True):
            axes.annotate(word, (at, place), fontsize=7, color=drawing.INK, ha="center", va="center", bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.8})  # fmt: skip
    drawing.plain(axes, "Parallel coordinates: first trainings", "", "")
    axes.set_xticks(range(len(names) + 1), [*names, "rank"])
    axes.set_yticks([])
    axes.grid(axis="x", color=drawing.LINE)
    axes.margins(x=0.05)


def _importance(fig: Any, found: Search) -> None:
    axes = fig.add_subplot()
    known = found.importances[::-1]
    at = range(len(known))
    axes.barh(at, [each.share for each in known], color=drawing.COLOURS[0], alpha=0.8, height=0.5)
    reach = [[max(0.0, each.share - each.low) for each in known], [max(0.0, each.high - each.share) for each in known]]
    axes.errorbar([each.share for each in known], at, xerr=reach, fmt="none", ecolor=drawing.INK, capsize=3, lw=1)
    axes.plot([each.by_chance for each in known], at, "|", color=drawing.COLOURS[1], markersize=14, label="chance shows as much in 5 %")  # fmt: skip
    drawing.plain(axes, "What matters for being among the best quarter, with 90 % intervals", "share", "")
    axes.set_yticks(at, [each.name for each in known])
    axes.set_xlim(0, max(1.05, 1.05 * max(each.by_chance for each in known)))
    axes.legend(frameon=False, fontsize=8, loc="lower right")


def _seeds(fig: Any, found: Search) -> None:
    """The leaders' figures on fresh seeds, their means, and where they stood when they were chosen."""
    axes = fig.add_subplot()
    fresh = [number for number in found.leaders if number in found.fresh_figures]
    chosen = found.record.figures(found.budgets[-1], found.first_seeds)
    for at, number in enumerate(fresh):
        figures = list(found.record.by_seed(number, found.budgets[-1], found.fresh_seeds).values())
        first = at == 0
        axes.plot(figures, [at] * len(figures), "o", color=drawing.COLOURS[0], alpha=0.7, label="fresh seeds" if first else None)  # fmt: skip
        axes.plot([found.fresh_figures[number]], [at], "|", color=drawing.INK, markersize=20, label="their mean" if first else None)  # fmt: skip
        if number in chosen:
            axes.plot([chosen[number]], [at], "D", color=drawing.COLOURS[1], markersize=5, label="when chosen" if first else None)  # fmt: skip
    drawing.plain(axes, "The leaders on fresh seeds", found.figure_name, "")
    axes.set_yticks(range(len(fresh)), [f"#{number}" for number in fresh])
    axes.invert_yaxis()
    axes.margins(x=0.05, y=0.2)
    axes.legend(frameon=False, fontsize=8)


# ---- inner steps -----------------------------------------------------------------------------------------------------


def _first_figures(found: Search) -> tuple[list[int], NDArray[Any]]:
    """Candidates with a figure of a first training on the first seed, and these."""
    figures = found.record.figures(found.budgets[0], [found.settings.seed])
    numbers = [number for number, value in figures.items() if math.isfinite(value)]
    return numbers, np.array([figures[number] for number in numbers])


def _axis(found: Search, name: str, numbers: list[int]) -> tuple[NDArray[Any], tuple[list[float], list[str]]]:
    """Places from 0 to 1 of the candidates' values of a parameter (nan: it has none), and what stands at the axis."""
    from optuna.distributions import CategoricalDistribution, IntDistribution, json_to_distribution

    candidates = found.record.candidates
    words = next(each.distributions[name] for each in candidates if name in each.distributions)
    given: Any = json_to_distribution(words)
    values = [candidates[number].params.get(name) for number in numbers]
    if isinstance(given, CategoricalDistribution):
        choices = list(given.choices)
        at = [index / max(1, len(choices) - 1) for index in range(len(choices))]
        places = [math.nan if value is None else at[choices.index(value)] for value in values]
        return np.array(places), (at, [str(each) for each in choices])
    low, high = float(given.low), float(given.high)
    scale: Callable[[float], float] = math.log if given.log else float
    span = (scale(high) - scale(low)) or 1.0
    places = [math.nan if value is None else (scale(value) - scale(low)) / span for value in values]
    middle = math.sqrt(low * high) if given.log else (low + high) / 2
    if isinstance(given, IntDistribution):
        if high - low < 2:
            return np.array(places), ([0.0, 1.0], [str(given.low), str(given.high)])
        middle = round(middle)
    at = (scale(middle) - scale(low)) / span
    return np.array(places), ([0.0, at, 1.0], [figure(given.low), decimal(middle, 2), figure(given.high)])


def _log_where_wide(axes: Any, values: list[float]) -> None:
    known = [value for value in values if math.isfinite(value)]
    if known and min(known) > 0 and max(known) > 10 * min(known):
        axes.set_yscale("log")
