"""Which remedy is recommended before any comparison, and why: by what is known in general."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.evaluation.thresholds.decisions import named
from seatrial.practice.imbalance.rarity import UNEQUAL, Rarity, rarity
from seatrial.practice.imbalance.remedies import ADJUSTED, PLAIN, THRESHOLD, choice, why_not
from seatrial.practice.refusal import refused
from seatrial.practice.task import Task

METRIC = "balanced-accuracy"
_RECALLS = frozenset({"balanced-accuracy", "worst-recall", "g-mean"})  # all of them count classes alike
_OVERLAPS = frozenset({"macro-f1", "mean-iou"})
_KEEP = (
    "Keep all of the data. With a network that separates its training data, weights and resampling lose their effect the longer it "
    "trains (Byrd & Lipton 2019); throwing examples away loses what they say."
)
_ADJUST = (
    "Where all classes count alike, the best answer weighs each probability by 1 / its class's share; logits adjusted by the shares "
    "in the loss lead there, and do so for networks that separate their data too (Menon et al. 2021)."
)
_MOVE = (
    "Train with a proper loss as it is, and move the threshold on validation data: for {} the best one depends on the model, and "
    "is not 1/2 (Lipton et al. 2014; Koyejo et al. 2014). Made or repeated examples bring strong models no more than that (Elor & "
    "Averbuch-Elor 2022)."
)
_RECALIBRATE = (
    "Where probabilities are used, take those of the data as they are: a training that balances classes overstates rare ones (Elkan "
    "2001; van den Goorbergh et al. 2022); the figures show the log loss before and after that correction. Scale the temperature then."
)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A remedy by name, the reasons, and what it rests on: "general" evidence, or this "comparison"."""

    name: str
    why: tuple[str, ...]
    rests_on: str


def recommend(task: Task, metric: str = METRIC) -> Recommendation:
    """Before any comparison: what is known in general, for a task and a metric of decisions.

    Raises:
        UsageProblem: the task does not answer with classes, or there is no such metric.
    """
    return in_general(task, rarity(task), metric)


def in_general(task: Task, known: Rarity, metric: str) -> Recommendation:
    """The same, with classes that are counted already."""
    named(metric, known.answers.kind)
    if known.ratio < UNEQUAL:
        return Recommendation(PLAIN, ("The classes are about equally common: train as it is.",), "general")
    if metric == "accuracy":
        why = "Accuracy counts examples alike, as the plain loss does: no remedy serves it."
        return Recommendation(PLAIN, (why,), "general")
    if metric in _OVERLAPS and known.answers.kind == "segmentation":
        why = "The Dice loss is the overlap that is measured, with probabilities in place of answers (Milletari et al. 2016)."
        return Recommendation("dice", (why,), "general")
    if metric in _RECALLS:
        possible = not why_not(choice("logit-adjusted"), task, known)
        return Recommendation("logit-adjusted" if possible else ADJUSTED, (_KEEP, _ADJUST, _RECALIBRATE), "general")
    reason = why_not(choice(THRESHOLD), task, known)
    if reason:
        return Recommendation(PLAIN, (_KEEP, f"A threshold cannot be moved: {reason}."), "general")
    return Recommendation(THRESHOLD, (_KEEP, _MOVE.format(metric), _RECALIBRATE), "general")


def remedied(task: Task, name: str, seed: int = 0) -> Task:
    """The task with a remedy in its training, by name; what is done afterwards is not in it.

    Raises:
        UsageProblem: there is none of that name, or this task cannot have it.
    """
    known, chosen = rarity(task), choice(name)
    reason = why_not(chosen, task, known)
    if reason:
        raise refused(f"a task for {name}", f"one where {reason}", "imbalance-remedy", "Choose another.")
    return chosen.remedy.make(task, known, seed)
