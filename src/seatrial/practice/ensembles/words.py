"""What an ensemble's figures say, in sentences."""

from __future__ import annotations

import math

from seatrial.evaluation.calibration.calibrating import Calibration
from seatrial.practice.ensembles.choice import BEST
from seatrial.practice.ensembles.ensemble import Ensembled, Independence
from seatrial.report.numbers import counted

# Yule's Q: below it members err nearly as if they did not know of one another (as the pairs of Kuncheva and Whitaker's table 3 do).
_NEARLY_INDEPENDENT = 0.3


def sentences(made: Ensembled) -> list[str]:
    """What the figures support, and what they do not."""
    found = [_chosen(made)]
    if made.choice.calibration is not None:
        subject = "Together the members are" if len(made.ensemble.voices) > 1 else "It is"
        found.append(_calibrated(made.choice.calibration, made.choice.chosen.temperature, subject))
    if made.diversity is not None:
        found.append(_errors(made))
    if made.independence is not None:
        found.append(_bound(made.independence, len(made.members), len(made.members[0].predictions.classes)))
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
    assert choice.gain is not None and choice.chosen.worth is not None
    gain, optimism = choice.gain, choice.chosen.worth.better.optimism
    figures = f"{gain.mean:.2g} ({gain.low:.2g} to {gain.high:.2g}, 95 %)"
    told = f"its {choice.loss} is smaller than the best member's by {figures}"
    if not gain.shown:
        told += f", which {counted(len(choice.chosen.predictions), 'example')} cannot tell from nothing"
    chosen_by = f" On the half that chose it, it looks better by {optimism:.2g}." if optimism > 0 else ""
    return f"Chosen: {choice.chosen.name} over {counted(len(voices), 'member')}. On examples that did not choose it, {told}.{chosen_by}"


def _calibrated(of: Calibration, by: float, subject: str) -> str:
    """Before and after a temperature, each fifth of the examples rescaled by what the others say."""
    before, after = of.before, of.after
    figures = f"log loss {of.log_loss:.4g} before and {of.log_loss_after:.4g} after, calibration error (debiased) {before.debiased:.2g} and {after.debiased:.2g}"
    sure = "too unsure" if of.temperature < 1 else "too sure"
    if by == 1.0:
        return f"A temperature of {of.temperature:.2f} would not help ({figures}): the probabilities stay as they are."
    return f"{subject} {sure}; a temperature of {by:.2f} mends it: {figures}."


def _errors(made: Ensembled) -> str:
    known = made.diversity
    assert known is not None
    effective = "" if math.isnan(known.effective) else f", as good as {known.effective:.1f} independent members"
    if math.isnan(known.q):
        return f"The members' errors correlate by {known.correlation:.2f}{effective}."
    far = "nearly independent" if abs(known.q) < _NEARLY_INDEPENDENT else "far from independent"
    return (
        f"Of two members exactly one is right in {known.disagreement:.1%} of the examples; their errors are {far}: Q {known.q:.2f}, "
        f"kappa {known.kappa:.2f}, correlation {known.correlation:.2f}{effective}."
    )


def _bound(figures: Independence, members: int, classes: int) -> str:
    more = " at most" if classes > 2 else ""
    return (
        f"If their errors were independent, a majority of {members} members that are wrong in {figures.mean_error:.1%} would be wrong in"
        f"{more} {_share(figures.bound_half)} (each with its own error: {_share(figures.own)}; ties counted as right: {_share(figures.bound)}). "
        f"The hard vote is wrong in {figures.got:.1%}."
    )


def _share(value: float) -> str:
    """A share that may be very small."""
    return f"{value * 100:.2g} %"
