"""What an ensemble's figures say, in sentences."""

from __future__ import annotations

import math

from seatrial.evaluation.calibration.calibrating import Calibration
from seatrial.numbers import counted, decimal, percent
from seatrial.practice.ensembles.choice import BEST, Combination
from seatrial.practice.ensembles.ensemble import Ensembled, Independence

# Yule's Q. Where errors begin to be called nearly independent is a convention of ours; the figure stands beside the words.
_NEARLY_INDEPENDENT = 0.3


def sentences(made: Ensembled) -> list[str]:
    """What the figures support, and what they do not."""
    found = [_chosen(made)]
    if made.choice.calibration is not None:
        subject = "Together the members are" if len(made.ensemble.voices) > 1 else "It is"
        found.append(_calibrated(made.choice.calibration, made.choice.chosen, subject))
    if made.diversity is not None:
        found.append(_errors(made))
    if made.independence is not None:
        found.append(_bound(made.independence, len(made.members), made.members[0].predictions.kind == "multiclass"))
    found += [f"Left out: {each}" for each in made.left_out]
    found.append(
        "Members (their epochs too) and weights were chosen by the same validation data: only data that chose nothing say how good the "
        "ensemble is. It can be tested as one frozen model: ensemble.json."
    )
    return found


def _chosen(made: Ensembled) -> str:
    choice = made.choice
    voices = made.ensemble.voices
    if choice.chosen.name == BEST:
        single = voices[0].name
        if len(made.members) == 1:
            return f"There is one member, {single}: nothing to combine."
        return f"No combination has a smaller {choice.loss} on other halves than the best member, {single}: it is taken alone."
    assert choice.gain is not None
    gain = choice.gain
    between = f"({decimal(gain.low, 2)} to {decimal(gain.high, 2)}, 95 %)"
    told = f"smaller than the best member's by {decimal(gain.mean, 2)} {between}"
    if gain.mean <= 0:
        told = f"not smaller than the best member's: the difference is {decimal(gain.mean, 2)} {between}"
    elif not gain.shown:
        told += f", which {counted(len(choice.chosen.predictions), 'example')} cannot tell from nothing"
    return (
        f"Chosen: {choice.chosen.name} over {counted(len(voices), 'member')}. On examples that chose nothing its {choice.loss} is "
        f"{decimal(choice.promised)} ({decimal(choice.chosen.loss)} on those that chose it), {told}."
    )


def _calibrated(of: Calibration, chosen: Combination, subject: str) -> str:
    """Before and after a temperature."""
    worth, by = chosen.worth, chosen.temperature
    assert worth is not None and worth.calibrated is not None
    losses = f"log loss on other halves {decimal(worth.plain.held_out)} before and {decimal(worth.calibrated.held_out)} after"
    if by == 1.0:
        return f"A temperature would not help ({losses}): the probabilities stay as they are."
    sure = "too unsure" if by < 1 else "too sure"
    error = f"calibration error (debiased) {decimal(of.before.debiased, 2)} before and {decimal(of.after.debiased, 2)} after"
    return f"{subject} {sure}; a temperature of {by:.2f} mends it: {losses}, {error}."


def _errors(made: Ensembled) -> str:
    known = made.diversity
    assert known is not None
    effective = (
        "" if math.isnan(known.effective) else f"; their mean varies as that of {known.effective:.1f} independent ones"
    )
    if math.isnan(known.q):
        return f"The members' errors correlate by {known.correlation:.2f}{effective}."
    far = "nearly independent" if abs(known.q) < _NEARLY_INDEPENDENT else "far from independent"
    return (
        f"Of two members exactly one is right in {percent(known.disagreement, 1)} of the examples; their errors are {far}: Q {known.q:.2f}, "
        f"kappa {known.kappa:.2f}, correlation {known.correlation:.2f}{effective}."
    )


def _bound(figures: Independence, members: int, several: bool) -> str:
    """Of several classes the right one may win with fewer than half of the votes."""
    more = " at most" if several else ""
    return (
        f"If their errors were independent, a majority of {members} members that are wrong in {percent(figures.mean_error, 1)} would be wrong in"
        f"{more} {_share(figures.bound_half)} (each with its own error: {_share(figures.own)}; ties counted as right: {_share(figures.bound)}). "
        f"The hard vote is wrong in {percent(figures.got, 1)}."
    )


def _share(value: float) -> str:
    """A share that may be very small."""
    return f"{decimal(value * 100, 2)} %"
