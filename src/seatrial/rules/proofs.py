"""What forks of the training with and without a suspected fault show: a proof, or none.

A proof asks for two things: the mended forks end lower (the lower end of the 95 % interval of the mean effect, by Student's t
over the seeds, lies above a twentieth of the loss before training), and a control, changed in a way that has nothing to do
with the fault, does not end as low.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from seatrial.events import Forked, Scalar, Untrained
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules.series import head_and_tail
from seatrial.rules.training import Training

# Of the loss before training: what the effect is at least, by the lower end of its interval.
LEAST_EFFECT = 0.05
# Of the mend's effect: what the control's stays below.
CONTROL_SHARE = 0.8
# A loss beyond so many times the loss before training counts as that: how far it exploded says nothing.
CAP = 3.0
# A warning of less confidence falls to a note if its mend was tried in vain.
GUESS = 0.75
# A training that ends above this share of the best constant's loss (or of its first loss) has learned little.
POOR = 0.7
# Two-sided 95 % quantiles of Student's t, by degrees of freedom (R. A. Fisher, 1925, table IV).
_STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365}


def weighed(run: Run, finding: Finding) -> Finding:
    """A finding with its proof, if there is one: a suspicion that is proven, of a training that learned little, becomes a
    warning; a guess whose mend clearly has no effect falls to a note."""
    shown = proof(run, finding.name)
    if shown is not None:
        severity = "warning" if finding.severity == "note" and learned_little(run) else finding.severity
        return replace(finding, proof=shown, severity=severity)
    tried = _tried(run, finding.name)
    in_vain = tried is not None and interval(tried)[2] < LEAST_EFFECT
    if in_vain and finding.severity == "warning" and finding.confidence < GUESS:
        return replace(finding, severity="note")
    return finding


def learned_little(run: Run) -> bool:
    """Whether the training loss ended not far below that of the best constant answer."""
    training = Training(run)
    if not training.supervised or len(training.values) < 20:
        return False
    start, end = head_and_tail(training.values)
    known = [each.constant for each in run.every(Untrained) if each.call == training.call and each.constant > 0]
    return end > POOR * (known[0] if known else start)


def _tried(run: Run, name: str) -> Forked | None:
    return next((each for each in reversed(run.every(Forked)) if each.name == name), None)


def proof(run: Run, name: str) -> dict[str, Scalar] | None:
    """The proof of a finding as findings.json gives it; None where the forks show no clear effect or there were none."""
    forked = _tried(run, name)
    if forked is None or doubt(forked):
        return None
    effect, low, high = interval(forked)
    return {
        "fix": forked.fix,
        "loss_without": _mean(_finite(forked.without)),
        "loss_with": _mean(_finite(forked.mended)),
        "loss_before": forked.start,
        "steps": forked.steps,
        "seeds": len(forked.mended),
        "effect": effect,
        "effect_low": low,
        "effect_high": high,
        "control": forked.control_fix,
        "loss_control": _mean(_finite(forked.control)),
    }


def doubt(forked: Forked) -> str:
    """Why the forks do not prove the fault, in a few words; empty where they do."""
    effect, low, _ = interval(forked)
    if not low >= LEAST_EFFECT:
        return "too small an effect" if low > 0 else "no clear effect"
    if not _mean(effects(forked, forked.control)) <= CONTROL_SHARE * effect:
        return "a change that has nothing to do with it helps about as much"
    return ""


def effects(forked: Forked, others: Sequence[float]) -> list[float]:
    """By how much lower than without the mend each fork ends, relative to the loss before training."""
    scale = abs(forked.start) if math.isfinite(forked.start) and forked.start else 1.0
    pairs = zip(_capped(forked.without, scale), _capped(others, scale), strict=True)
    return [(without - other) / scale for without, other in pairs]


def interval(forked: Forked) -> tuple[float, float, float]:
    """The mean effect of the mend and its 95 % interval over the seeds."""
    found = effects(forked, forked.mended)
    mean = _mean(found)
    if len(found) < 2:
        return mean, -math.inf, math.inf
    variance = sum((each - mean) ** 2 for each in found) / (len(found) - 1)
    margin = _STUDENT.get(len(found) - 1, 1.96) * math.sqrt(variance / len(found))
    return mean, mean - margin, mean + margin


def _capped(losses: Sequence[float], scale: float) -> list[float]:
    return [min(loss, CAP * scale) if not math.isnan(loss) else CAP * scale for loss in losses]


def _finite(losses: Sequence[float]) -> list[float]:
    """Those that are finite; all, where none is."""
    return [loss for loss in losses if math.isfinite(loss)] or list(losses)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
