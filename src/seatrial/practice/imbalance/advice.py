"""Which remedy is recommended after a comparison: the one that is in general, unless another is shown to do better than that."""

from __future__ import annotations

from seatrial.practice.imbalance.against import against
from seatrial.practice.imbalance.comparing import Candidate, Comparison
from seatrial.practice.imbalance.general import Recommendation, in_general
from seatrial.practice.imbalance.remedies import ADJUSTED, PLAIN
from seatrial.practice.task import Task

_AFTERWARDS = {"logit-adjusted": ADJUSTED}


def recommended(comparison: Comparison, task: Task) -> Recommendation:
    """After it: the general recommendation, unless another remedy was shown to do better than that one.

    Not the best figure: of many remedies some look best by chance, and the one that is known to work in general is given up only
    for a difference that chance does not explain, with all remedies counted.
    """
    general = in_general(task, comparison.rarity, comparison.metric.name)
    # Logits adjusted afterwards have the same optimum as those adjusted in the loss (Menon et al. 2021, section 4).
    name = next(each for each in (general.name, _AFTERWARDS.get(general.name, PLAIN), PLAIN) if each in comparison)
    better = _shown_better(comparison, comparison[name])
    if better is None:
        return Recommendation(name, (*general.why, _standing(comparison, name)), "general")
    return Recommendation(
        better.name,
        (
            f"In this comparison {better.name} is shown to reach a higher {comparison.metric.name} than {name}, which is recommended "
            f"in general: {better.mean:.3f} against {comparison[name].mean:.3f} over {comparison.seeds} seeds.",
            *general.why,
        ),
        "comparison",
    )


# ---- inner steps -------------------------------------------------------------------------------------------------


def _shown_better(comparison: Comparison, than: Candidate) -> Candidate | None:
    """The best of those that are shown to be better than one, all pairs counted."""
    others = [each for each in comparison.candidates if each.name != than.name]
    of, metric = than.predictions[0], comparison.metric
    shown = [
        each for each in others if against(each.judged, than.judged, of.targets, metric, len(others), of.groups).better
    ]
    return max(shown, key=lambda each: each.mean) if shown else None


def _standing(comparison: Comparison, name: str) -> str:
    """What the comparison says of the one that is recommended."""
    if name == PLAIN:
        return "In this comparison no remedy is shown to do better than plain training."
    gap = comparison[name].against_plain
    assert gap is not None
    figure = (
        f"{comparison.metric.name} {comparison[name].mean:.3f} against {comparison[PLAIN].mean:.3f} of plain training"
    )
    if gap.better:
        return f"In this comparison it does better than plain training, and no other is shown to do better than it: {figure}."
    if gap.shown:
        return f"In this comparison plain training is shown to do better: {figure}."
    return f"No other is shown to do better than it here; that it does better than plain training is not shown here either: {figure}."
