"""The one vocabulary between listening and judging: frozen records of numbers and strings.

Taps and measures produce events, the record keeps them, rules read them. No event holds a tensor.

Time is counted in *ticks*: a tick is one call of backward (also `torch.autograd.grad` that a step is made from), from 0.
Ids (`model`, `optimizer`, `scheduler`, `parameter`, `call`) are small integers given in order of appearance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

Scalar: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the user's own code (never torch's): absolute file name, line from 1, name of the function."""

    file: str
    line: int
    function: str = ""


# ---- the run -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunStarted:
    """First event. `script` is the path as given or the module's name; `time` is seconds since the epoch. `within`: the program
    ran already when it began to be watched, and nothing is known of what came before."""

    script: str
    argv: tuple[str, ...]
    time: float
    seatrial: str
    python: str
    folder: str
    within: bool = False


@dataclass(frozen=True, slots=True)
class TorchSeen:
    """The script imported torch."""

    version: str
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The end of the script; only what trials showed comes after it. `status`: completed | failed (an exception) | interrupted (Ctrl-C) | exited (SystemExit, os._exit).

    `exception` is the last line of the traceback. `seconds` is wall time of the script, `watching_seconds` what of it
    was spent in seatrial, as far as it measures itself.
    """

    status: str
    exit_code: int
    exception: str
    where: Place | None
    ticks: int
    optimizer_steps: int
    seconds: float
    watching_seconds: float


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """The text of a file of the user's, as it was when the run began to use it."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class NotLookedAt:
    """Something that seatrial did not or could not look at. Silence must not read as health.

    `trial`: an experiment on copies that could not be made."""

    what: str
    why: str
    trial: bool = False


# ---- what the program is made of ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """A module of a model. `path` as in named_modules ("" is the model itself); `where` it was constructed.

    `settings`: public int/float/bool/str attributes (in_features, p, batch_first, ...), `attributes` are names of
    plain attributes that look like mistakes (`requires_grad` set on a module).
    """

    path: str
    type: str
    where: Place | None
    training: bool
    settings: dict[str, Scalar]
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    """A parameter or (with `is_buffer`) a buffer. `stats` at the moment of the event: mean, std, absmax, norm,
    `row_spread` and `column_spread`: greatest deviation among the rows (output units) or columns (input units) of a
    matrix from their mean, relative to absmax; 0 means that all units are equal. `attributes`: attributes set on
    the tensor by the user (a mistyped `requires_grads`)."""

    parameter: int
    path: str
    shape: tuple[int, ...]
    dtype: str
    requires_grad: bool
    is_buffer: bool
    stats: dict[str, float]
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelSeen:
    """A module that was called from outside of any other module (a root). Sent anew when its parameters change
    identity or `requires_grad`. `where` is where it was constructed, `called` where it was called first, `loops`
    the `for`/`while` lines of user code that were running around its construction, outermost first."""

    tick: int
    model: int
    name: str
    type: str
    where: Place | None
    called: Place | None
    modules: tuple[ModuleInfo, ...]
    parameters: tuple[ParameterInfo, ...]
    copied_from: int | None = None
    loops: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """A param group: ids of its parameters and its settings (lr, momentum, weight_decay, betas as `beta1`, ...)."""

    parameters: tuple[int, ...]
    settings: dict[str, Scalar]


@dataclass(frozen=True, slots=True)
class OptimizerBuilt:
    """An optimizer was constructed; sent anew after add_param_group."""

    tick: int
    optimizer: int
    type: str
    groups: tuple[GroupInfo, ...]
    where: Place | None
    loops: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class SchedulerBuilt:
    """A learning-rate scheduler was constructed; `settings` are its plain attributes (step_size, T_max, gamma, ...)."""

    tick: int
    scheduler: int
    type: str
    optimizer: int
    settings: dict[str, Scalar]
    where: Place | None


@dataclass(frozen=True, slots=True)
class LoaderBuilt:
    """A DataLoader. `examples` and `batches` are -1 where its data set has no length; `sampler` is the class name.
    `data` is an id shared by loaders over the same data set object; `base` of the data set below Subset wrappers."""

    tick: int
    loader: int
    examples: int
    batches: int
    batch_size: int
    sampler: str
    drop_last: bool
    workers: int
    data: int
    base: int
    where: Place | None


@dataclass(frozen=True, slots=True)
class LoaderIterated:
    """How often a loader was iterated and how many batches were drawn from it, in total (sent at the end). `label`: what
    the author calls the data where they are iterated, as of an EvaluationPass; "" where it is not always the same."""

    loader: int
    iterations: int
    batches: int
    training_ticks: int
    where: Place | None
    label: str = ""


# ---- what the program does ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallSeen:
    """A kind of call at one line. `Turns` refer to it by `call`.

    kind       subject                 detail
    forward    model                   "train grad", "train no_grad", "eval grad", "eval no_grad"
    backward   -1                      "backward" | "grad" (torch.autograd.grad) | "grad create_graph"
    zero_grad  optimizer, or model if detail is "module"
    step       optimizer               type; "skipped" where a scaler skipped it
    schedule   scheduler               type
    clip       -1                      "norm 1.0" | "value 0.5"
    mode       model                   "train" | "eval" (only roots and modules with parameters)
    load       model / optimizer       "model" | "optimizer" | "scheduler"
    reset      model                   path of the layer whose weights, trained before, were drawn anew
    scaler     optimizer, or -1        "unscale" | "step" (of an optimizer) | "update" | "scale"
    """

    call: int
    kind: str
    subject: int
    detail: str
    where: Place | None


@dataclass(frozen=True, slots=True)
class Turns:
    """Run-length code of what the loop does. A turn is what happens from the end of one optimizer step to the end of
    the next, as ids of `CallSeen` in order (immediate repetitions of the same call are given once, with their number
    in `counts`). `first` is the tick at which the first of `repeats` equal turns began. A turn that ends without an
    optimizer step (end of run, too long) has `complete` false. `folded`: how often a turn that had come many times came
    again, counted at the end: when it did is not kept."""

    first: int
    repeats: int
    calls: tuple[int, ...]
    counts: tuple[int, ...]
    complete: bool = True
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Losses:
    """Values of the tensors on which `backward` was called, by the call's id, with their ticks."""

    call: int
    ticks: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """A setting of a param group as it changes: value from the given tick on (lr, momentum, weight_decay, ...)."""

    optimizer: int
    group: int
    name: str
    ticks: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Clips:
    """Gradient clippings at one call: total norms before clipping, the bound, how many tensors were given, how many
    of them had a gradient; ids of the parameters given at the last one."""

    call: int
    ticks: tuple[int, ...]
    norms: tuple[float, ...]
    bound: float
    tensors: int
    with_gradient: int
    parameters: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluationPass:
    """Forward passes of a model that no backward followed, from one line, in one go.

    `training` and `grad_enabled` are shares (0..1) of the forwards made in training mode / with gradients on.
    `losses`: mean value of each loss function called on the way, by its name. `rows`: hashes of examples.
    `label`: what the author calls the data, from the source ("val", "test", "train" or ""). `used_gradient`: gradients
    were asked for between the last optimizer step and the end of the pass (an attack, a saliency). `callers`: the user's
    lines on the stack outside of `where`, innermost first."""

    tick: int
    model: int
    where: Place | None
    forwards: int
    examples: int
    training: float
    grad_enabled: float
    losses: dict[str, float]
    rows: tuple[int, ...]
    label: str = ""
    data: int = -1
    used_gradient: bool = False
    callers: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchSeen:
    """A sketch of one tensor of a batch on its way into a model ("input"), a loss ("target").

    `stats`: mean, std, min, max, nonfinite (count), constant_share (share of features that do not vary over the
    examples), smallest_feature_std, largest_feature_std, feature_mean_max (largest |mean| of a feature).
    `histogram`: counts of the classes of an integer target, or {} . `rows`: one 63-bit hash an example (at most 512).
    `feature_means`, `feature_stds`: per feature (at most 256), over the examples of this batch.
    `position`: which argument. `phase`: training | evaluation."""

    tick: int
    phase: str
    model: int
    role: str
    position: int
    shape: tuple[int, ...]
    dtype: str
    stats: dict[str, float]
    histogram: dict[str, int] = field(default_factory=dict)
    rows: tuple[int, ...] = ()
    feature_means: tuple[float, ...] = ()
    feature_stds: tuple[float, ...] = ()
    where: Place | None = None
    data: int = -1


@dataclass(frozen=True, slots=True)
class Look:
    """A full look at the parameters at one optimizer step: one entry a parameter, in the order of `parameters`.

    gradient_norm is nan where there is no gradient; zero_share is the share of its elements that are exactly 0;
    `stale`: 1.0 where the gradient held something non-zero before the first backward since the last step of its
    optimizer, i.e. it was not cleared; update_norm is the norm of the change that this step made."""

    tick: int
    optimizer: int
    parameters: tuple[int, ...]
    weight_norm: tuple[float, ...]
    gradient_norm: tuple[float, ...]
    gradient_absmax: tuple[float, ...]
    zero_share: tuple[float, ...]
    nonfinite: tuple[int, ...]
    update_norm: tuple[float, ...]
    stale: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class GradientPair:
    """The gradients of two successive steps of an optimizer, over all its parameters: g . h, |g|^2 and |h|^2, as the steps
    took them (clipped, where they were). `backwards`: calls of backward, in all processes, that the first one is made of."""

    tick: int
    optimizer: int
    dot: float
    first: float
    second: float
    backwards: int


@dataclass(frozen=True, slots=True)
class Units:
    """Rectified and bounded units in one recorded training step, by the module (or the line) that makes them.

    `dead`: share of rectified units that are 0 for all examples of the batch, `saturated`: share of the outputs near a
    bound (see measure/activations.py); nan where the one or the other cannot be."""

    tick: int
    call: int
    names: tuple[str, ...]
    dead: tuple[float, ...]
    saturated: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Filters:
    """The weights of a layer that sees the pictures themselves, before the step at `tick`.

    `shape`: count, channels, height and width of the filters. `roughness` and its `error` as in measure/filters.py: 1 for
    independent weights, toward 0 for smooth ones. `pixels`: base64 of one byte a weight of the filters `kept` (128 is 0),
    at the beginning, in the middle and at the end of the run; "" at other looks."""

    tick: int
    parameter: int
    shape: tuple[int, ...]
    roughness: float
    error: float
    kept: tuple[int, ...] = ()
    pixels: str = ""


@dataclass(frozen=True, slots=True)
class ParameterFate:
    """What became of a parameter by the end: did its values change since it was first seen, did it ever have a
    gradient (at a look, at the end, or as state in its optimizer), is it in an optimizer that stepped."""

    parameter: int
    path: str
    model: int
    changed: bool
    had_gradient: bool
    requires_grad: bool
    optimizers: tuple[int, ...]
    row_spread: float
    column_spread: float
    loaded: bool = False


# ---- the step as a graph -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ref:
    """An argument that is output number `output` of node `node` of the same graph."""

    node: int
    output: int = 0


Argument: TypeAlias = "Scalar | Ref | tuple[Argument, ...] | dict[str, Argument]"


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """What is known of a tensor without its values."""

    shape: tuple[int, ...]
    dtype: str
    requires_grad: bool
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Node:
    """A leaf (`role` not empty) or a call of a torch function.

    op        canonical name: "linear", "conv2d", "softmax", "add", "getitem", "detach", ... whichever way it was
              written (`__add__`, `add_`, `torch.add` are "add"; `F.softmax`, `x.softmax` are "softmax"); a custom
              autograd function is "apply:ClassName"; a leaf is "leaf".
    function  the full name, e.g. "torch.nn.functional.softmax".
    role      parameter | buffer | input | target | constant | carried (a tensor with a graph from an earlier step),
              for leaves; "" for calls.
    name      of a parameter or buffer: "model.conv1.weight"; of other leaves the user's variable name if known.
    origin    of an input or target leaf: canonical ops, last one first, by which the user's code made it inside this
              step ("to", "unsqueeze", ...), as "op@line"; views with their shapes, "view@16:32x50x3:32x3x50".
    stats     of output 0 if floating: mean, std, min, max, absmax, zero_share, nonfinite, spread (mean over features of the
              std over axis 0, relative to the overall std), dead_share (share of units, axis 1 or last, that are 0 for
              all examples), sum_min and sum_max (of the sums over the last axis, and `class_sum_*` over axis 1),
              logsumexp_absmax over axis 1 (`class_`) and the last, integers (share of integral values); of the output of
              a model also answered_alike (share of examples that get the commonest class), one_sided (share of scores on
              the commoner side of zero).
    grad      gradients were enabled at the call.
    module    path of modules in which the call was made, e.g. "model.encoder.conv1"; `module_type` of the innermost.
    """

    index: int
    op: str
    function: str
    args: tuple[Argument, ...]
    kwargs: dict[str, Argument]
    outputs: tuple[TensorInfo, ...]
    role: str = ""
    name: str = ""
    parameter: int = -1
    origin: tuple[str, ...] = ()
    stats: dict[str, float] = field(default_factory=dict)
    where: Place | None = None
    chain: tuple[Place, ...] = ()
    module: str = ""
    module_type: str = ""
    grad: bool = True
    random: bool = False
    inplace: bool = False
    autocast: str = ""


@dataclass(frozen=True, slots=True)
class GraphSeen:
    """What a loss (kind "training") or a root module's output (kind "evaluation") depends on, in order of execution.

    `call`: the backward call (-1 for evaluation). `value`: of the loss. `outputs`: the loss, or the model's outputs.
    `predictions`: outputs of root modules in the graph."""

    tick: int
    kind: str
    call: int
    model: int
    nodes: tuple[Node, ...]
    outputs: tuple[Ref, ...]
    predictions: tuple[Ref, ...]
    value: float
    where: Place | None
    training: bool


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
    reached in `steps` steps of Adam at `rate`, `curve` all of them."""

    examples: int
    kind: str
    loss: float
    steps: int
    rate: float
    curve: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Overfitted:
    """The attempt to drive the loss of a few examples of a recorded batch to zero, without regularisation, from the
    parameters of the step. `constant`: the loss of the best constant answer for the batch, `how` it is known."""

    tick: int
    call: int
    constant: float
    how: str
    rungs: tuple[Rung, ...]


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


# ---- oddities that a tap can establish by itself -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StateKept:
    """A state dict taken from a live module: `aliased` when at the end (or when it was loaded or saved) it still shared
    memory with weights that had changed since. `use`: "kept" | "loaded" | "saved"; `used_model`: loaded into which."""

    tick: int
    model: int
    where: Place | None
    used_where: Place | None
    use: str
    aliased: bool
    used_model: int = -1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """torch.save or torch.load: `action` save | load, `keys` top-level keys of the mapping."""

    tick: int
    action: str
    file: str
    keys: tuple[str, ...]
    where: Place | None


@dataclass(frozen=True, slots=True)
class SeedSet:
    """A generator was seeded: `generator` torch | numpy | random | cuda | torch.Generator | numpy.Generator.
    `seeded` false: a generator was made without a seed."""

    tick: int
    generator: str
    seeded: bool
    where: Place | None


@dataclass(frozen=True, slots=True)
class GeneratorUsed:
    """At the end: has the global generator moved since the start (or since it was last seeded).

    `moved_before_seed`: it had been drawn from when it was first seeded; `where`: a line that drew from it, if known."""

    generator: str
    moved: bool
    seeded: bool
    moved_before_seed: bool = False
    where: Place | None = None


@dataclass(frozen=True, slots=True)
class GraphKept:
    """Graphs of earlier steps were found alive. `how`: "carried" (a tensor with a graph from an earlier step entered this
    one at `where`) or "held" (the loss of a step long ago is still referenced)."""

    tick: int
    how: str
    where: Place | None
    age: int


Event: TypeAlias = (
    RunStarted
    | TorchSeen
    | RunEnded
    | SourceSeen
    | NotLookedAt
    | ModelSeen
    | OptimizerBuilt
    | SchedulerBuilt
    | LoaderBuilt
    | LoaderIterated
    | CallSeen
    | Turns
    | Losses
    | Settings
    | Clips
    | EvaluationPass
    | BatchSeen
    | Look
    | GradientPair
    | Units
    | Filters
    | ParameterFate
    | GraphSeen
    | Probe
    | GradientChecked
    | StepChecked
    | Forked
    | Untrained
    | RateSwept
    | Overfitted
    | DataGlanced
    | StateKept
    | Checkpoint
    | SeedSet
    | GeneratorUsed
    | GraphKept
)

KINDS: tuple[type, ...] = (
    RunStarted,
    TorchSeen,
    RunEnded,
    SourceSeen,
    NotLookedAt,
    ModelSeen,
    OptimizerBuilt,
    SchedulerBuilt,
    LoaderBuilt,
    LoaderIterated,
    CallSeen,
    Turns,
    Losses,
    Settings,
    Clips,
    EvaluationPass,
    BatchSeen,
    Look,
    GradientPair,
    Units,
    Filters,
    ParameterFate,
    GraphSeen,
    Probe,
    GradientChecked,
    StepChecked,
    Forked,
    Untrained,
    RateSwept,
    Overfitted,
    DataGlanced,
    StateKept,
    Checkpoint,
    SeedSet,
    GeneratorUsed,
    GraphKept,
)
