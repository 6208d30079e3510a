"""Examples of the validation or test data also stand in the training data.

## What it finds
Evaluation data that share examples with what was trained on: a split that is made of the whole set, indices that
overlap, copies that were made before the split.

## Why it harms
What the network has learned by heart it answers right. The score is too good, and nothing tells how good the network
really is.

## How it is recognised
Examples are told apart by a hash of their values. The examples of evaluation passes are looked up among those that
were trained on. Examples of real numbers are alike only if one is a copy; data of few possible values are judged
against how often examples repeat within one pass. A score on the training data themselves, beside one on other
data, is no fault; nor are new targets at the same inputs (a grid that is measured twice), nor a stream whose examples are predicted first and
learned afterwards.

## What it cannot see
Copies that differ in noise or augmentation, patients or documents that stand on both sides, training examples that
were not looked at.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(400, 10)
y = (x.sum(1) > 0).long()
x_train, y_train = x[:320], y[:320]
x_val, y_val = x[240:], y[240:]
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
for epoch in range(4):
    model.train()
    for rows in torch.randperm(len(x_train)).split(32):
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(x_val), y_val)
    print(loss.item(), val_loss.item())
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(400, 10)
y = (x.sum(1) > 0).long()
x_train, y_train = x[:320], y[:320]
x_val, y_val = x[320:], y[320:]
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
for epoch in range(4):
    model.train()
    for rows in torch.randperm(len(x_train)).split(32):
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(x_val), y_val)
    print(loss.item(), val_loss.item())
```

## Thresholds
`share` and `examples`: how much must overlap at least. `whole`: share from which on it is the training data
themselves. `sampled`: the same where the examples of a pass are known in part.

## References
S. Kapoor and A. Narayanan, "Leakage and the reproducibility crisis in machine-learning-based science", Patterns,
2023.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import BatchSeen, EvaluationPass, Place
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import percent
from seatrial.rules.batches import Batches, Passes, of_real_numbers
from seatrial.rules.decisions import Decisions
from seatrial.rules.looks import Looks
from seatrial.rules.where import distinct

NAME = "data.split-overlap"
EXPLAINS = ("loop.training-on-evaluation-data", "data.test-set-reuse")
_SPLITS = re.compile(r"split|Subset|perm|sample|shuffle|\[[^\]]*:[^\]]*\]|fold|index|cat\(|concat|repeat|choice|iloc")


@dataclass(frozen=True)
class Thresholds:
    """share: of the evaluation examples (0..1). examples: number of them. whole and sampled: shares (0..1). duplicates: how many
    times more often than examples repeat within one pass they must stand on both sides."""

    share: float = 0.03
    examples: int = 4
    whole: float = 0.98
    sampled: float = 0.8
    duplicates: float = 4.0


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Groups of evaluation passes whose examples were trained on."""
    batches = Batches(run)
    training = set(batches.rows)
    if len(training) < 16:
        return
    continuous = of_real_numbers(batches.inputs[0])
    repeated = _repeats([row for batch in batches.inputs[: batches.epoch] for row in batch.rows])
    shares: list[tuple[EvaluationPass, float, list[EvaluationPass]]] = []
    for group in Passes(run).groups:
        each = next((one for one in group if len(one.rows) >= 8), None)
        if each is not None and not any(one.used_gradient for one in group):
            shares.append((each, _overlap(each, training), group))
    clean = any(share < limits.share for _, share, _ in shares)
    for each, share, group in shares:
        rows = set(each.rows)
        natural = 0.0 if continuous else max(repeated, _repeats(list(each.rows)))
        if share < limits.share or share * len(rows) < limits.examples or share < limits.duplicates * natural:
            continue
        label = each.label or ("test" if share >= limits.whole and not clean and _is_named_test(run, each) else "")
        if share >= limits.whole and (label in ("train", "") or clean):
            continue
        if not label and training <= rows:  # all parts of the data in one go
            continue
        own = _trained_by(batches, each.model)
        if not label and _is_all_it_had(each, own, limits):
            continue
        if own and len(rows & own) < limits.share * len(rows):  # of cross-validation: other folds' networks had them
            continue
        if each.label == "train" or _answers_are_selected(batches, rows) or _measured_anew(run, rows):
            continue
        if _tested_first(batches, group, limits):
            continue
        yield _finding(run, batches, each, label, share)


def _is_named_test(run: Run, each: EvaluationPass) -> bool:
    """Whether the data of a pass are called test data farther off than on its own lines: by the loop that draws its batches."""
    return any(each is one for one in Looks(run, Decisions(run).scores).named_tests)


def _tested_first(batches: Batches, group: list[EvaluationPass], limits: Thresholds) -> bool:
    """Whether examples were evaluated before they were trained on, and not again (a stream: predicted, then learned)."""
    trained: dict[int, int] = {}
    for batch in batches.inputs:
        for row in batch.rows:
            trained.setdefault(row, batch.tick)
    seen: set[int] = set()
    for one in group:
        known = {row for row in one.rows if row in seen or trained.get(row, one.tick) < one.tick}
        if len(known) > limits.share * len(one.rows):
            return False
        seen.update(one.rows)
    return True


def _trained_by(batches: Batches, model: int) -> set[int]:
    """The examples that a model itself was trained on; none where it is a part or a copy of what was trained."""
    return {row for batch in batches.inputs if batch.model == model for row in batch.rows}


def _is_all_it_had(each: EvaluationPass, own: set[int], limits: Thresholds) -> bool:
    """Whether a pass goes over all that its model was trained on (of which few examples may have been met), on purpose."""
    looked_at = len(each.rows) / max(each.examples, len(each.rows))
    least = limits.whole if looked_at == 1 else limits.sampled * looked_at
    return bool(own) and len(own.intersection(each.rows)) >= least * len(own)


def _answers_are_selected(batches: Batches, rows: set[int]) -> bool:
    """Whether training and evaluation look at the same whole (a graph, an image) and take different answers from it."""
    compared = {batch.tick: batch.shape for batch in batches.targets}
    wholes = [(batch.shape, compared.get(batch.tick)) for batch in batches.inputs if set(batch.rows) == rows]
    return any(given and answers and answers[0] < given[0] for given, answers in wholes)


def _measured_anew(run: Run, rows: set[int]) -> bool:
    """Whether most of these inputs are compared with other targets than in training: a new measurement at the same place (a
    point of a grid, a dose) is no copy of the old one."""
    trained, evaluated = _answers(run, "training"), _answers(run, "evaluation")
    known = [row for row in rows if trained.get(row) and evaluated.get(row)]
    other = [
        row for row in known if not evaluated[row] & trained[row] and _kinds(evaluated[row]) & _kinds(trained[row])
    ]
    return bool(known) and len(other) > 0.5 * len(known)


def _kinds(answers: set[tuple[int, str, int]]) -> set[tuple[str, int]]:
    return {(dtype, size) for _, dtype, size in answers}


def _answers(run: Run, phase: str) -> dict[int, set[tuple[int, str, int]]]:
    """The targets that each input was compared with: their hash, type and size. A target belongs to the input before it."""
    found: dict[int, set[tuple[int, str, int]]] = {}
    given: BatchSeen | None = None
    for batch in run.batches:
        if batch.phase != phase or batch.position:
            continue
        if batch.role == "input":
            given = batch
        elif given is not None and given.tick == batch.tick and given.shape[:1] == batch.shape[:1]:
            for row, answer in zip(given.rows, batch.rows, strict=False):
                found.setdefault(row, set()).add((answer, batch.dtype, math.prod(batch.shape[1:])))
    return found


def _overlap(each: EvaluationPass, training: set[int]) -> float:
    rows = set(each.rows)
    return len(rows & training) / len(rows)


def _repeats(rows: list[int]) -> float:
    """Share of examples that are copies of another one of the same pass."""
    return 1 - len(set(rows)) / len(rows) if rows else 0.0


def _finding(run: Run, batches: Batches, each: EvaluationPass, label: str, share: float) -> Finding:
    rows = len(set(each.rows))
    called = {"val": "validation", "test": "test"}.get(label, "evaluation")
    return Finding(
        NAME,
        "error",
        f"{percent(share)} of the {called} examples ({round(share * rows)} of {rows}) were trained on.",
        _places(run, batches, each),
        {"share": share, "examples": rows, "overlapping": round(share * rows), "label": label},
        "Split by example before anything is copied or augmented, and check that the parts have none in common.",
        EXPLAINS,
        0.95 if label else 0.85,
    )


def _places(run: Run, batches: Batches, each: EvaluationPass) -> tuple[Place, ...]:
    """Lines on the way of the evaluation and the training data that split, slice or copy; then the evaluation."""
    ways: list[Place] = []
    for batch in run.batches:
        if batch.phase == "evaluation" and batch.rows and batch.rows[0] in each.rows:
            ways += batches.lineage(batch)
            break
    ways += batches.lineage(batches.inputs[0])
    made = [place for place in ways if _SPLITS.search(run.line(place))]
    loader = [built.where for built in run.loaders.values() if built.data == each.data]
    unsplit = () if made or loader else each.callers[:1]  # data that come as they are: the line that evaluates on them
    return distinct([*made[:4], *loader, each.where, *unsplit])
