"""What trials on a recorded step showed."""

from __future__ import annotations

from dataclasses import dataclass, field

from seatrial.events.basis import Place


@dataclass(frozen=True, slots=True)
class Probe:
    """An experiment on a recorded step, made after the script has ended.

    kind "mixing": evaluation-mode replay with one example changed; `node` is the first node at which another
    example's values changed (-1: none), `share` the share of other examples changed at the output.
    kind "ignored": share of the elements of input leaf `node` whose change or gradient never reaches the output.
    kind "order": relative change of the output when positions of the sequence input `node` are permuted.
    kind "random": relative difference of two evaluation-mode replays with different random numbers, `node` the draw.
    kind "replay": 1.0 where the replayed loss and gradients are bit for bit those of the script's own step."""

    tick: int
    kind: str
    call: int
    node: int
    share: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StepChecked:
    """The gradients of a whole recorded step, of all parameters and of inputs that require one, against central differences
    of its loss in float64.

    when        "untrained" | "after 20 steps".
    regularised with dropout, or without.
    tensors, elements  looked at; `excluded` lie at a kink, `differing` differ.
    worst       name of the tensor that differs most, `relative_error` that of the whole tensors there, `sentence` in words.
    cut         names of tensors that the script itself cuts off.
    """

    tick: int
    call: int
    when: str
    regularised: bool
    tensors: int
    elements: int
    excluded: int
    differing: int
    worst: str
    relative_error: float
    sentence: str = ""
    cut: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GradientChecked:
    """The backward pass of a custom autograd function against central differences of its forward pass, for one of the
    inputs that it got in a recorded step.

    function    name of the class; `where` its backward begins, `called` it was called (node `node` of the graph).
    argument    number of the input, `name` that of the forward's parameter, `shape` that of the tensor.
    elements    looked at; `differing` of them differ; `excluded` lie at a kink or a jump.
    relative_error  the largest |a - n| / max(|a|, |n|) beyond the error bar `error`, at an element with the derivatives
                `analytic` and `numeric`; `overall` is that of the whole tensors.
    slip        the kind of mistake that explains the difference ("factor 2", "sign", "transposed", ...), "other" if none
                does, "" where nothing differs; `sentence` says it in words.
    swept       step sizes, relative to the size of that element, and `errors`, |a - n| / max(|a|, |n|), with each.
    deliberate  why the difference is meant ("straight-through", "changes the gradient only"), or "".
    """

    tick: int
    call: int
    node: int
    function: str
    where: Place | None
    called: Place | None
    argument: int
    name: str
    shape: tuple[int, ...]
    elements: int
    differing: int
    excluded: int
    relative_error: float
    analytic: float
    numeric: float
    error: float
    overall: float
    slip: str = ""
    sentence: str = ""
    deliberate: str = ""
    swept: tuple[float, ...] = ()
    errors: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Forked:
    """Copies of the training, forked from the recorded step, with and without a suspected fault (finding `name`).

    All train `steps` steps on the recorded batches, once for each seed (it draws the order of batches and all random
    numbers). The values are losses at the end by the mended step's measure, one a seed: `without` the mend, `mended` with
    it, `control` with another mend that has nothing to do with the fault. `start`: that loss before training.
    `without_curve` and `mended_curve`: training losses of the first seed, as each fork computes them."""

    name: str
    fix: str
    steps: int
    start: float
    without: tuple[float, ...]
    mended: tuple[float, ...]
    control_fix: str
    control: tuple[float, ...]
    without_curve: tuple[float, ...] = ()
    mended_curve: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Untrained:
    """The loss of the recorded step without dropout: with its own parameters (`own`), with weights drawn anew (`fresh`), of
    each class alone (`classes`); and that of the best constant answer, `how` it is known (nan: there is none)."""

    tick: int
    call: int
    own: float
    fresh: tuple[float, ...]
    constant: float
    how: str
    classes: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RateSwept:
    """Forks of the training whose learning rate grows from step to step: `rates` (of the first group) and the median loss
    over `seeds` forks at each; a fork that broke counts as inf from there. `used`: the highest rate that the script had.
    `curvature`: the largest eigenvalue of the Hessian of the recorded loss (nan: not known), `limit`: the largest rate
    at which the script's optimizer is stable at that curvature (nan: not known for this optimizer)."""

    call: int
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    seeds: int
    used: float
    curvature: float
    limit: float


@dataclass(frozen=True, slots=True)
class Rung:
    """Some examples trained alone. `kind`: as it is | shuffled targets | inputs of zero. `loss`: the lowest that was
    reached in `steps` steps of Adam at `rate`, `curve` all of them. `least`: what no answer comes below (above 0 where
    targets are uncertain themselves: probabilities, shades of grey)."""

    examples: int
    kind: str
    loss: float
    steps: int
    rate: float
    curve: tuple[float, ...]
    least: float = 0.0


@dataclass(frozen=True, slots=True)
class Overfitted:
    """The attempt to drive the loss of a few examples of a recorded batch to the least possible, without regularisation,
    from the parameters of the step. `constant`: the loss of the best constant answer for the batch, `how` it is known;
    `least`: what no answer comes below."""

    tick: int
    call: int
    constant: float
    how: str
    rungs: tuple[Rung, ...]
    least: float = 0.0


@dataclass(frozen=True, slots=True)
class Association:
    """How well a simple learner answers examples that it has not seen, against permuted targets.

    `score`: share of classes that are right, or correlation of answers and targets. `chance` and `spread`: mean and
    standard deviation of the score with permuted targets; `p`: share of them (and the examples' own) that score as high."""

    score: float
    chance: float
    spread: float
    p: float


@dataclass(frozen=True, slots=True)
class DataGlanced:
    """What is to be seen in recorded examples without any network.

    `phase`: training | evaluation. `classes`: how many the targets have (0: they are real numbers). `nearest`: the answer
    of the nearest other example; `nearest_in_batch`: of the nearest within the same batch; `linear`: of ridge regression,
    leaving each example out; `single`: the share of variance explained by the best feature alone (number
    `single_feature`). `shifted`: `nearest` with targets moved by `shift` examples, where that is best. `alike`: how much
    more alike successive examples are than any two (0..1). `copy`: a feature that is the target in another guise (-1:
    none), `without_copy`: `nearest` without it and others that depend on it."""

    phase: str
    model: int
    examples: int
    features: int
    classes: int
    nearest: Association
    nearest_in_batch: Association
    linear: Association
    single: Association
    single_feature: int
    shifted: Association
    shift: int
    alike: float
    copy: int = -1
    without_copy: Association | None = None
