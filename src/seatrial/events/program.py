"""What the program is made of: models, optimizers, schedulers, loaders."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.events.basis import Place, Scalar


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
