"""The end of a practice: the vault is opened for the chosen model, once, and what it is worth is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.evaluation.evaluating import evaluate
from seatrial.evaluation.evaluation import Evaluation
from seatrial.evaluation.predictions import Predictions
from seatrial.numbers import counted, decimal, percent
from seatrial.practice.ensembles.saved import Ensemble, Inputs
from seatrial.practice.evaluating.evaluating import PAGE, write
from seatrial.practice.fitting.checkpoints import trained_model
from seatrial.practice.lecture.deciding import Chosen, Scores, decided
from seatrial.practice.lecture.outcome import Outcome
from seatrial.practice.lecture.practice import Practice
from seatrial.practice.metrics import is_gathering
from seatrial.practice.predicting.predicting import predict
from seatrial.vault.metrics import METRICS, Metric
from seatrial.vault.opening import Result
from seatrial.vault.plan import Plan
from seatrial.vault.vault import Vault

REASON = "the end of the practice"
FOLDER = "evaluation"
_FROM_LEDGER = (
    "These are the scores that stand in the vault's ledger: it was opened for this model and this plan before, and what came after was "
    "interrupted. Details (classes, calibration, slices) were lost with it; for them alone no second look is taken."
)


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
    examples = place.sealed.examples.test
    before = place.earlier(chosen.file, plan, REASON)
    if before is not None and before.result is not None:
        return Outcome((*_sentences(before.result, examples), _FROM_LEDGER), values=_values(before.result))
    try:
        opening = place.open(chosen.file, plan, REASON)
    except UsageProblem as problem:  # of a vault that was sealed before, by a rule of its own, or by somebody else
        return Outcome((), skipped=f"The vault cannot be opened with this plan, see seatrial vault open: {problem}")
    result = opening.score(chosen.predictor)
    write(result.details, (), practice.folder / FOLDER)  # no predictions: they would be a plain copy of what is sealed
    lost = () if before is None else (_lost(before.look),)
    sentences = (*_sentences(result, examples), *lost, *result.details.sentences[1:])
    return Outcome(sentences, values=_values(result), link=f"{FOLDER}/{PAGE}")


# ---- what is examined --------------------------------------------------------------------------------------------


def _chosen(practice: Practice) -> Chosen:
    """The ensemble where one was made, or else the training that counts; as they learnt from all data, where they did. What is said of the
    validation data was said before these were learnt from."""
    task, _ = practice.chosen
    assert task.validation is not None
    folder = practice.diary.value("ensemble", "ensemble")
    if folder is not None:
        made = Ensemble.load(folder, task)
        last = Ensemble.load(practice.diary.value("refit", "ensemble") or folder, task)
        return Chosen(last.file, last.predictor("scores"), made.predict(task.validation))
    first = Path(practice.diary.value("train", "weights"))
    weights = Path(practice.diary.value("refit", "weights") or first)
    model = trained_model(task, weights)
    said = predict(task, trained_model(task, first), task.validation)
    return Chosen(weights, lambda inputs: predict(task, model, Inputs(inputs, task)).scores, said)  # pyright: ignore[reportArgumentType]


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


def _values(result: Result) -> dict[str, Any]:
    scores = {
        name: {"value": answer.value, **({} if (at := answer.interval) is None else {"low": at.low, "high": at.high})}
        for name, answer in result.answers.items()
    }
    return {"figures": list(result.figures), "look": result.look, "scores": scores}


def _lost(look: int) -> str:
    return (
        f"Look {look} was for the same model and plan, and was interrupted before its scores stood in the ledger: nobody has seen them. It "
        "counts all the same, and this is another one."
    )


def _sentences(result: Result, examples: int) -> tuple[str, ...]:
    name, answer = next(iter(result.answers.items()))
    told = "is not told any more" if answer.value is None else f"is {decimal(answer.value)}"
    interval = answer.interval
    between = (
        ""
        if interval is None
        else f" ({percent(interval.level)} interval {decimal(interval.low)} to {decimal(interval.high)})"
    )
    looks = result.look - 1
    count = "for the first time" if looks == 0 else f"after {counted(looks, 'look')} before"
    headline = f"On {counted(examples, 'sealed example')}, opened {count}, the {name} {told}{between}."
    return (headline, *result.against, answer.sentence)
