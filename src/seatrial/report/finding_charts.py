"""The figures of a finding as a picture: which kinds of picture (picture_kinds.py) show what a finding speaks of."""

from __future__ import annotations

from seatrial.findings import Finding
from seatrial.report import picture_kinds as kinds
from seatrial.report.charts import Chart
from seatrial.report.picture_kinds import Picture, Seen

MOST = 2  # pictures a finding: what matters, side by side

PICTURES: dict[str, tuple[Picture, ...]] = {
    "data.class-imbalance": (kinds.classes,),
    "data.constant-input": (kinds.spreads,),
    "data.misaligned-labels": (
        kinds.bars("Share of right answers", "nearest_neighbour", "linear_model", against="permuted_targets"),
        kinds.loss,
    ),
    "data.missing-class": (kinds.classes,),
    "data.non-finite-input": (kinds.loss,),
    "data.preprocessing-mismatch": (kinds.means, kinds.loss),
    "data.repeated-batch": (kinds.bars("Examples", "different_examples", "examples"), kinds.loss),
    "data.split-overlap": (
        kinds.bars("Examples evaluated, and those trained on", "examples", "overlapping"),
        kinds.loss,
    ),
    "data.test-set-reuse": (kinds.loss,),
    "data.unscaled-input": (kinds.means, kinds.spreads),
    "data.unshuffled-training-data": (kinds.order, kinds.loss),
    "loop.aliased-checkpoint": (kinds.loss,),
    "loop.eval-mode-during-training": (kinds.bars("Training steps", "steps", "steps_in_evaluation_mode"), kinds.loss),
    "loop.gradients-cleared-before-step": (kinds.gradient, kinds.loss),
    "loop.incomplete-resume": (kinds.loss,),
    "loop.ineffective-clipping": (kinds.clips, kinds.loss),
    "loop.missing-backward": (kinds.gradient, kinds.loss),
    "loop.missing-optimizer-step": (kinds.loss,),
    "loop.missing-zero-grad": (kinds.gradient, kinds.loss),
    "loop.scheduler-misplaced": (kinds.rate, kinds.loss),
    "loop.train-mode-during-evaluation": (kinds.loss,),
    "loop.training-on-evaluation-data": (kinds.bars("Training steps", "steps", "steps_on_held_out_data"), kinds.loss),
    "loop.unnormalised-accumulation": (kinds.gradient, kinds.updates),
    "loop.unscaled-half-precision": (kinds.gradient, kinds.loss),
    "loop.weights-reset": (kinds.loss,),
    "model.bad-initial-scale": (
        kinds.lists("parameters", "gains", "Gain of each layer's initial weights", ("usual", 1.0)),
        kinds.gradients,
    ),
    "model.broadcast-in-loss": (kinds.loss,),
    "model.constant-output": (kinds.loss,),
    "model.dead-units": (kinds.dead, kinds.loss),
    "model.initial-loss-off": (kinds.loss,),
    "model.nll-without-log-softmax": (kinds.loss,),
    "model.output-activation": (kinds.loss,),
    "model.saturated-activations": (kinds.saturated, kinds.loss),
    "model.sigmoid-before-bce-with-logits": (kinds.loss,),
    "model.small-batch-normalisation": (kinds.loss,),
    "model.softmax-before-cross-entropy": (kinds.loss,),
    "model.softmax-wrong-dimension": (kinds.loss,),
    "model.symmetric-initialisation": (kinds.gradients,),
    "model.unstable-numerics": (kinds.loss,),
    "model.wrong-gradient": (kinds.sweep,),
    "model.wrong-loss-for-task": (kinds.loss,),
    "optimisation.bad-optimizer-setting": (kinds.setting, kinds.loss),
    "optimisation.cannot-overfit-subset": (kinds.subset,),
    "optimisation.clipping-too-tight": (kinds.clips, kinds.loss),
    "optimisation.excessive-weight-decay": (kinds.weights, kinds.loss),
    "optimisation.exploding-gradient": (kinds.gradients, kinds.loss),
    "optimisation.learning-rate-collapsed": (kinds.rate, kinds.loss),
    "optimisation.learning-rate-too-high": (kinds.updates, kinds.loss),
    "optimisation.learning-rate-too-low": (kinds.updates, kinds.loss),
    "optimisation.loss-not-decreasing": (kinds.loss,),
    "optimisation.noisy-loss": (kinds.loss,),
    "optimisation.non-finite-loss": (kinds.loss, kinds.gradient),
    "optimisation.overfitting": (kinds.loss,),
    "optimisation.underfitting": (kinds.loss,),
    "optimisation.update-ratio-off": (kinds.updates, kinds.loss),
    "optimisation.vanishing-gradient": (kinds.gradients,),
}


def pictures(seen: Seen, finding: Finding) -> tuple[Chart, ...]:
    """What can be drawn of a finding, at most two pictures; empty where nothing can."""
    drawn = (picture(seen, finding) for picture in PICTURES.get(finding.name, ()))
    return tuple(each for each in drawn if each is not None)[:MOST]
