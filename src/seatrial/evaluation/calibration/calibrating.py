"""The calibration of predictions, before and after one temperature."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.evaluation.calibration.decomposition import Decomposition, decomposed
from seatrial.evaluation.calibration.reliability import Reliability, confidences, reliability
from seatrial.evaluation.calibration.temperature import crossed, rescaled, temperature
from seatrial.evaluation.metrics.probabilities import log_losses
from seatrial.evaluation.predictions import Predictions


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether probabilities mean what they say, and what one temperature mends.

    before, after           as they are, and rescaled
    decomposition           of the Brier score as it is
    temperature             above 1: the model is too sure
    log_loss, log_loss_after
    fitted_on               what the temperature was fitted on, in words
    """

    before: Reliability
    after: Reliability
    decomposition: Decomposition | None
    temperature: float
    log_loss: float
    log_loss_after: float
    fitted_on: str


def calibration(
    of: Predictions, validation: Predictions | None, seed: int = 0, *, cautious: bool = False
) -> Calibration:
    """Of graded probabilities. The temperature is fitted on validation data; else each fifth of the examples is rescaled by what the
    others say, and the temperature told is that of all. `cautious`: see `temperature`."""
    fitted = temperature(validation or of, cautious=cautious)
    mended = crossed(of, seed, cautious=cautious) if validation is None else rescaled(of, fitted)
    where = "the same examples, in turn on four fifths" if validation is None else validation.data or "validation data"
    return Calibration(
        reliability(*confidences(of), seed=seed),
        reliability(*confidences(mended), seed=seed),
        decomposed(of),
        fitted,
        float(log_losses(of).mean()),
        float(log_losses(mended).mean()),
        where,
    )
