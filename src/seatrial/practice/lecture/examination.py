"""The end of a practice: the vault is opened for the chosen model, once, and what it is worth is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.evaluation.evaluating import evaluate
from seatrial.evaluation.evaluation import Evaluation
from seatrial.evaluation.predictions import Predictions
from seatrial.practice.ensembles.saved import Ensemble, Inputs
from seatrial.practice.evaluating.evaluating import PAGE, write
from seatrial.practice.fitting.checkpoints import trained_model
from seatrial.practice.lecture.outcome import Outcome
from seatrial.practice.lecture.practice import Practice
from seatrial.practice.metrics import is_gathering
from seatrial.practice.predicting.predicting import predict
from seatrial.report.numbers import counted, decimal
from seatrial.vault.metrics import METRICS, Metric
from seatrial.vault.opening import Result
from seatrial.vault.plan import Plan
from seatrial.vault.vault import Vault

_LEAST = 1e-12  # a weight of 0 would leave an example that is sure to be of that class without any probability
REASON = "the end of the practice"
FOLDER = "evaluation"
Scores = NDArray[Any]
Predictor = Callable[[Sequence[Any]], Scores]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is examined: the file that stands for it, what it says of inputs, and what it said of the validation data."""

    file: Path
    predictor: Predictor
    validation: Predictions


def open_vault(practice: Practice) -> Outcome:
    """The vault is opened, once."""
    vault = practice.diary.value("seal", "vault")
    if vault is None:
        return Outcome((), skipped="Nothing was sealed.")
    try:
        chosen = decided(practice, _chosen(practice))
        plan = replace(_plan(practice, chosen.validation), details=_evaluated(chosen.validation))
    except UsageProblem as problem:
        return Outcome((), skipped=f"The model's answers are none that can be scored: {problem}")
    place = Vault(vault)
    looks = sum(entry.kind == "opened" for entry in place.log())
    try:
        opening = place.open(chosen.file, plan, REASON)
    except UsageProblem as problem:  # of a vault that was sealed before, by a rule of its own, or by somebody else
        return Outcome((), skipped=f"The vault cannot be opened with this plan, see seatrial vault open: {problem}")
    result = opening.score(chosen.predictor)
    scores = {
        name: {"value": answer.value, **({} if (at := answer.interval) is None else {"low": at.low, "high": at.high})}
        for name, answer in result.answers.items()
    }
    write(result.details, (), practice.folder / FOLDER)  # no predictions: they would be a plain copy of what is sealed
    values = {"figures": list(result.figures), "look": result.look, "scores": scores}
    sentences = (*_sentences(result, place.sealed.examples.test, looks), *result.details.sentences[1:])
    return Outcome(sentences, values=values, link=f"{FOLDER}/{PAGE}")


# ---- what is examined --------------------------------------------------------------------------------------------


def _chosen(practice: Practice) -> Chosen:
    """The ensemble where one was made, or else the training that counts."""
    task, _ = practice.chosen
    assert task.validation is not None
    folder = practice.diary.value("ensemble", "ensemble")
    if folder is not None:
        made = Ensemble.load(folder, task)
        return Chosen(made.file, made.predictor("scores"), made.predict(task.validation))
    weights = Path(practice.diary.value("train", "weights"))
    model = trained_model(task, weights)
    said = predict(task, model, task.validation)
    return Chosen(weights, lambda inputs: predict(task, model, Inputs(inputs, task)).scores, said)  # pyright: ignore[reportArgumentType]


def decided(practice: Practice, chosen: Chosen) -> Chosen:
    """The same with its probabilities as the remedy for rare classes weighs them: the class with the largest is the answer."""
    remedy = practice.diary.value("imbalance", "remedy")
    if not remedy:
        return chosen
    from seatrial.evaluation.thresholds.decisions import named
    from seatrial.evaluation.thresholds.moving import moved
    from seatrial.practice.imbalance.rarity import rarity
    from seatrial.practice.imbalance.remedies import ADJUSTED, THRESHOLD, choice
    from seatrial.practice.lecture.choosing import BALANCED

    after, said = choice(remedy).after, chosen.validation
    if after == THRESHOLD:
        weights = moved(said, named(BALANCED, said.kind)).weights
    elif after == ADJUSTED:
        weights = 1 / rarity(practice.prepared).shares
    else:
        return chosen
    weigh = _Weighing(chosen.predictor, weights)
    return replace(chosen, predictor=weigh, validation=said.with_scores(weigh.weighed(said.scores)))


@dataclass(frozen=True, slots=True)
class _Weighing:
    """A predictor whose probabilities are weighed by class, and made to add up to 1 again."""

    predictor: Predictor
    weights: NDArray[np.float64]

    def __call__(self, inputs: Sequence[Any]) -> Scores:
        return self.weighed(self.predictor(inputs))

    def weighed(self, scores: Scores) -> Scores:
        values = (np.stack([1 - scores, scores], axis=1) if scores.ndim == 1 else scores) * np.maximum(
            self.weights, _LEAST
        )
        values = values / values.sum(axis=1, keepdims=True)
        return values[:, 1] if scores.ndim == 1 else values


def _evaluated(said: Predictions) -> Callable[[NDArray[Any], Scores, float], Evaluation]:
    """All that can be said of the same look, computed in memory; calibration by what was said of the validation data."""

    def details(targets: NDArray[Any], scores: Scores, level: float) -> Evaluation:
        found = targets.reshape(scores.shape) if said.kind == "regression" else _flat(targets)
        of = Predictions(said.kind, found, scores, np.arange(len(scores)), None, said.classes, data="sealed test data")
        return evaluate(of, validation=said, level=level)

    return details


# ---- what is measured --------------------------------------------------------------------------------------------


def _plan(practice: Practice, said: Predictions) -> Plan:
    """The metrics by the kind of answer, and what always answering the same would reach."""
    largest = practice.diary.value("look", "largest_share")
    if said.kind in ("binary", "multiclass"):
        rare = bool(practice.diary.value("look", "rare"))
        names = ["balanced-accuracy", "accuracy"] if rare else ["accuracy", "balanced-accuracy"]
        metrics = {name: _of_answers(METRICS[name]) for name in names}
        simplest = {"balanced-accuracy": 1 / len(said.classes)}
        return Plan(metrics, simplest if largest is None else {**simplest, "accuracy": largest})
    if said.kind == "regression":
        own = {name: each for name, each in practice.task.metrics.items() if not is_gathering(each)}
        return Plan({"rmse": METRICS["rmse"], "r2": METRICS["r2"], **{k: _on_arrays(v) for k, v in own.items()}})
    raise UsageProblem(
        f"Expected classes or numbers, found {said.kind} answers.", "practice-kind", "See seatrial vault open."
    )


def _of_answers(metric: Metric) -> Metric:
    """A metric of classes, for probabilities."""

    def compute(targets: NDArray[Any], scores: Scores) -> float:
        return metric.compute(_flat(targets), _answers(scores))

    def losses(targets: NDArray[Any], scores: Scores) -> NDArray[np.float64]:
        assert metric.losses is not None
        return metric.losses(_flat(targets), _answers(scores))

    return replace(metric, compute=compute, losses=losses if metric.losses is not None else None)


def _answers(scores: Scores) -> NDArray[np.int64]:
    return (scores >= 0.5).astype(np.int64) if scores.ndim == 1 else scores.argmax(axis=1)


def _flat(targets: NDArray[Any]) -> NDArray[Any]:
    """(n,) class indexes, of one-hot targets too."""
    many = targets.ndim == 2 and targets.shape[1] > 1
    return (targets.argmax(axis=1) if many else targets.reshape(-1)).astype(np.int64)


def _on_arrays(metric: Callable[..., Any]) -> Callable[[NDArray[Any], NDArray[Any]], float]:
    def compute(targets: NDArray[Any], predictions: NDArray[Any]) -> float:
        said = torch.from_numpy(np.ascontiguousarray(predictions.reshape(targets.shape)))
        return float(metric(said, torch.from_numpy(np.ascontiguousarray(targets))))

    return compute


def _sentences(result: Result, examples: int, looks: int) -> tuple[str, ...]:
    name, answer = next(iter(result.answers.items()))
    told = "is not told any more" if answer.value is None else f"is {decimal(answer.value)}"
    interval = answer.interval
    between = (
        ""
        if interval is None
        else f" ({interval.level:.0%} interval {decimal(interval.low)} to {decimal(interval.high)})"
    )
    count = "for the first time" if looks == 0 else f"after {counted(looks, 'look')} before"
    headline = f"On {counted(examples, 'sealed example')}, opened {count}, the {name} {told}{between}."
    return (headline, *result.against, answer.sentence)
