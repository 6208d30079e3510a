"""loop.frozen-parameters: parameters that were meant to train have requires_grad off.

## What it finds
Parameters that stay frozen against what the program says: the line that should thaw them sets a mistyped attribute, an
attribute of a module (which has no such switch), compares instead of assigning, or looks for a name that no parameter has;
an optimizer all of whose parameters are frozen; a param group of its own for parameters that only a library froze
(`Embedding.from_pretrained` does by default); a new layer, still at its random start, that is frozen with the old ones.

## Why it harms
A frozen layer at random weights scrambles what goes through it, and a backbone that never thaws cannot adapt.

## How it is recognised
By the parameters' requires_grad over the run, and by the source lines that set it. Layers that were trained earlier in the
run, loaded or copied may be frozen as one likes; embeddings and single tensors too, since tables are often given.
Frozen parameters in an optimizer beside others that train are harmless, and only noted.

## What it cannot see
Whether a trained backbone was meant to train on.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] * x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
for name, p in model.named_parameters():
    p.requires_grad = name.startswith(("layer1", "2"))
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-2)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] * x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
for name, p in model.named_parameters():
    p.requires_grad = name.startswith(("0", "2"))
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-2)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
```

## Thresholds
`steps`: so many steps of an optimizer all of whose parameters are frozen. `likeness`: how near the spread of a weight must
be to that of torch's own random start, relative to it, to be taken for a layer that nobody has trained.
`elements`: smaller weights are not judged by their spread.

## References
PyTorch documentation, *Autograd mechanics: setting requires_grad*.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import ModelSeen, ParameterFate, ParameterInfo
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.rules.batches import Batches
from seatrial.rules.freezing import slips
from seatrial.rules.parameters import Parameters, listed
from seatrial.rules.turns import held, stepping, steps
from seatrial.rules.where import distinct

NAME = "loop.frozen-parameters"
EXPLAINS = (
    "loop.missing-backward",
    "model.unused-parameters",
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.learning-rate-too-low",
    "optimisation.update-ratio-off",
    "model.constant-output",
)
# Words of those who freeze on purpose.
_FREEZING = re.compile(r"requires_grad|freez|frozen")
_RANDOM_START = frozenset(["Linear", "Conv1d", "Conv2d", "Conv3d"])


@dataclass(frozen=True, slots=True)
class Thresholds:
    """steps and elements: counts; likeness: relative. See the page."""

    steps: int = 3
    likeness: float = 0.1
    elements: int = 64


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    known = Parameters(run)
    frozen = [fate for fate in run.fates.values() if not fate.requires_grad]
    if not frozen or not stepping(run):
        return
    yield from _by_slip(run, frozen)
    idle = [o for o in stepping(run) if _all_frozen(run, o) and steps(run, o) >= limits.steps]
    for optimizer in idle:
        yield _useless(run, optimizer)
    fresh = [fate for fate in frozen if _is_fresh(run, known, fate, limits)]
    inside = [fate for fate in fresh if fate.parameter in known.optimised]
    if inside and not idle:
        yield _random(run, known, inside)
    rest = [fate for fate in frozen if fate.parameter in known.optimised and fate not in inside]
    if rest and not idle and not inside:
        yield _group(run, known, rest) or _held(run, rest)


def _by_slip(run: Run, frozen: list[ParameterFate]) -> Iterator[Finding]:
    found = [slip for slip in slips(run) if slip.freezes is not True]
    if found:
        slip = found[0]
        how = {
            "mistyped": f"`{slip.text}` is no attribute that torch knows",
            "module": f"`{slip.text}` is set on a module, which does not pass it on",
            "compared": f"`{slip.text}` compares and sets nothing",
            "unnamed": f'no parameter has "{slip.text}" in its name',
        }[slip.kind]
        message = f"{len(frozen)} parameters stay frozen though a line is there to thaw parameters: {how}."
        evidence: dict[str, Figure] = {"frozen": len(frozen), "parameters": [fate.path for fate in frozen][:20]}
        remedy = "Set requires_grad on the parameters themselves, by the names that named_parameters() gives."
        where = distinct(s.place for s in found)
        yield Finding(NAME, "error", message, where, evidence, remedy, EXPLAINS, 0.93)


def _all_frozen(run: Run, optimizer: int) -> bool:
    """Whether no parameter of an optimizer asked for gradients at any of its looks (nor had one)."""
    own = held(run, optimizer)
    fates = [run.fates[p] for p in own if p in run.fates]
    looks = [look for look in run.looks if look.optimizer == optimizer]
    alive = any(norm > 0 for look in looks for norm in look.gradient_norm)
    return bool(looks) and not alive and len(fates) == len(own) and not any(fate.requires_grad for fate in fates)


def _useless(run: Run, optimizer: int) -> Finding:
    built = run.optimizers[optimizer]
    count = len(held(run, optimizer))
    message = f"All {count} parameters of {built.type} have requires_grad off: its steps do nothing."
    evidence: dict[str, Figure] = {"parameters": count, "steps": steps(run, optimizer)}
    remedy = "Thaw what is to train (requires_grad_(True)) before the optimizer is built."
    return Finding(NAME, "error", message, distinct([built.where]), evidence, remedy, EXPLAINS, 0.95)


def _is_fresh(run: Run, known: Parameters, fate: ParameterFate, limits: Thresholds) -> bool:
    """Whether a frozen weight is a layer's that torch filled at random and that nothing has changed since."""
    module = known.module(fate.parameter)
    if fate.changed or fate.loaded or module is None or module.where is None or module.type not in _RANDOM_START:
        return False
    model, info = known.first[fate.parameter]
    trains = any(f.model == fate.model and f.requires_grad and f.changed for f in run.fates.values())
    return trains and _is_random_start(model, info, limits)


def _is_random_start(model: ModelSeen, info: ParameterInfo, limits: Thresholds) -> bool:
    """Torch fills these weights uniformly within 1/sqrt(fan_in), so their spread is 1/sqrt(3 fan_in)."""
    del model
    size = math.prod(info.shape)
    if len(info.shape) < 2 or size < limits.elements or "std" not in info.stats:
        return False
    expected = 1 / math.sqrt(3 * math.prod(info.shape[1:]))
    return abs(info.stats["std"] / expected - 1) <= limits.likeness


def _random(run: Run, known: Parameters, fresh: list[ParameterFate]) -> Finding:
    names = [fate.path for fate in fresh]
    message = f"{len(fresh)} weights are frozen at their random start, though an optimizer holds them: {listed(names)}."
    evidence: dict[str, Figure] = {"parameters": names}
    remedy = "Freeze only what has been trained; thaw these layers."
    holders = [run.optimizers[o].where for o in stepping(run) if held(run, o) & {f.parameter for f in fresh}]
    where = distinct([*(known.built(fate.parameter) for fate in fresh[:2]), *holders])
    return Finding(NAME, "warning", message, where, evidence, remedy, EXPLAINS, 0.75)


def _group(run: Run, known: Parameters, rest: list[ParameterFate]) -> Finding | None:
    """A param group of its own, with settings of its own, for parameters that nothing in the source freezes."""
    if Batches(run).mentioning(_FREEZING, 1):
        return None
    numbers = {fate.parameter for fate in rest}
    for optimizer in stepping(run):
        groups = run.optimizers[optimizer].groups
        idle = [group for group in groups if group.parameters and numbers.issuperset(group.parameters)]
        if not idle or len(idle) == len(groups):
            continue
        names = [fate.path for fate in rest if fate.parameter in idle[0].parameters]
        message = f"A param group of its own holds nothing but frozen parameters: {listed(names)}."
        evidence: dict[str, Figure] = {"parameters": names[:20]}
        remedy = "Thaw them (requires_grad_(True), or freeze=False where they are loaded), or take the group out."
        built = [place for number in idle[0].parameters[:2] if (place := known.built(number)) is not None]
        where = distinct([*built, run.optimizers[optimizer].where])
        return Finding(NAME, "warning", message, where, evidence, remedy, EXPLAINS, 0.85)
    return None


def _held(run: Run, rest: list[ParameterFate]) -> Finding:
    numbers = {fate.parameter for fate in rest}
    where = distinct(run.optimizers[o].where for o in stepping(run) if held(run, o) & numbers)
    message = f"An optimizer holds {len(rest)} frozen parameters beside those that train; they do nothing there."
    evidence: dict[str, Figure] = {"parameters": [fate.path for fate in rest][:20]}
    return Finding(NAME, "note", message, where, evidence, "Give the optimizer only what is to train.", (), 0.9)
