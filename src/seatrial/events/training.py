"""What the program does: calls, losses, batches, evaluations, and full looks at its weights and activations."""

from __future__ import annotations

from dataclasses import dataclass, field

from seatrial.events.basis import Place


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
