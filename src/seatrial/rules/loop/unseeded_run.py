"""loop.unseeded-run: some generator that the run draws from is not seeded, so the run cannot be repeated.

## What it finds
A run that draws random numbers from torch, NumPy or Python's random while that generator was not seeded, or was seeded only
after numbers had been drawn from it (the weights, as a rule); generators made without a seed.

## Why it harms
A result that cannot be repeated can hardly be compared: whether a change helped or luck did is not to be told.

## How it is recognised
The state of each global generator is compared at the end with that at the start, and with that at its seeding.

## What it cannot see
Order of threads and non-deterministic kernels, which differ from run to run with all seeds set.

## Faulty
```python
import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
for epoch in range(5):
    for rows in np.random.permutation(256).reshape(8, 32):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
```

## Fixed
```python
import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
for epoch in range(5):
    for rows in np.random.permutation(256).reshape(8, 32):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
```

## Thresholds
None.

## References
PyTorch documentation, *Reproducibility*.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from seatrial.events import GeneratorUsed, ModelSeen, Place, SeedSet
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.rules.lines import last_name, named, nodes
from seatrial.rules.turns import stepping, trains_by_hand
from seatrial.rules.where import distinct

NAME = "loop.unseeded-run"
_SEEDING = {
    "torch": "torch.manual_seed(seed)",
    "cuda": "torch.cuda.manual_seed_all(seed)",
    "numpy": "numpy.random.seed(seed)",
    "random": "random.seed(seed)",
}
# What a line that draws from a global generator begins with.
_PREFIXES = {"numpy": ("np.random.", "numpy.random."), "random": ("random.",), "torch": ("torch.rand",)}
_NO_DRAWS = ("seed", "default_rng", "Generator", "RandomState", "Random", "get_state", "getstate", "manual_seed")


def check(run: Run, limits: None) -> Iterator[Finding]:
    del limits
    if not stepping(run) and not trains_by_hand(run):
        return
    used = [g for g in run.every(GeneratorUsed) if g.generator in _SEEDING]
    within = run.started is not None and run.started.within  # seeds may have been set before
    loose = (
        [] if within else [g for g in used if ((g.moved and not g.seeded) or g.moved_before_seed) and _by_user(run, g)]
    )
    made = [s for s in run.every(SeedSet) if not s.seeded and s.generator not in {g.generator for g in loose}]
    if not loose and not made:
        return
    names = [g.generator for g in loose] + sorted({s.generator for s in made})
    late = [g.generator for g in loose if g.moved_before_seed]
    seeds = [s for s in run.every(SeedSet) if s.seeded]
    what = " and ".join(names)
    how = "was drawn from before it was seeded" if late and len(late) == len(names) else "is not seeded"
    message = f"The run draws random numbers from a generator that {how} ({what}), so it cannot be repeated."
    evidence: dict[str, Figure] = {"generators": names, "seeded": sorted({s.generator for s in seeds})}
    remedy = f"Call {', '.join(_SEEDING.get(name, 'the constructor with a seed') for name in names)} before anything is drawn."
    draws = [g.where for g in loose] + [place for g in loose for place in _draws(run, g.generator)]
    weights = [seen.where for seen in run.every(ModelSeen) if "torch" in {g.generator for g in loose}]
    where = distinct([*(s.where for s in made), *(s.where for s in seeds[-1:]), *draws, *weights])
    yield Finding(NAME, "warning", message, where[:5], evidence, remedy, (), 0.95 if seeds else 0.85)


def _by_user(run: Run, used: GeneratorUsed) -> bool:
    """Python's generator is drawn from by libraries too, while they are imported: there the source must say so."""
    return used.generator != "random" or used.where is not None or bool(_draws(run, "random"))


def _draws(run: Run, generator: str) -> list[Place]:
    """Lines of the source that draw from a global generator."""
    found: list[Place] = []
    for file in run.sources:
        plain = _imported(run, file, generator)
        for node in nodes(run, file):
            if not isinstance(node, ast.Call):
                continue
            text = ast.unparse(node.func)
            by_module = text.startswith(_PREFIXES.get(generator, ("?",))) and last_name(node.func) not in _NO_DRAWS
            if by_module or text in plain:
                found.append(named(run, Place(file, node.lineno)))
    return sorted(found, key=lambda place: (place.file, place.line))[:4]


def _imported(run: Run, file: str, generator: str) -> set[str]:
    """Names imported from a module of random functions."""
    modules = {"random": "random", "numpy": "numpy.random"}
    imports = [node for node in nodes(run, file) if isinstance(node, ast.ImportFrom)]
    names = [alias for node in imports if node.module == modules.get(generator) for alias in node.names]
    return {alias.asname or alias.name for alias in names if alias.name not in _NO_DRAWS}
