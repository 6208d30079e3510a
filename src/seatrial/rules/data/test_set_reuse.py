"""The held-out test data is looked at more than once, or chooses a checkpoint, a hyperparameter or a stopping time.

## What it finds
Scores on test data that decide something: which checkpoint is kept, when training stops, how the learning rate falls,
which setting or threshold is chosen, which of many scores counts as the result (a warning). Test data that are looked at
again and again while the network trains, without any decision of the program (a note).

## Why it harms
Whatever is chosen because it did well on the test data did so partly by chance, and that chance does not come again on
new data. The score of what was chosen is too good, by the more the more there was to choose from; there is then no
data left that could tell how good the network really is. Who only prints a test score each epoch soon decides by it.

## How it is recognised
By what happens to a score: it is followed through the source from the conditions, schedules and maxima that decide, back
to the lines on which evaluation passes were seen; and by what the author calls the data there (test, holdout), where
they are made rather than where a function takes them. Each pass must look at the same examples as the one before. Where
validation data decide, where a test score is printed beside them, or where names contradict each other, nothing
decides by the test data.

## What it cannot see
Test data that have no such name; choices that a person makes; the same test data in one run after another; scores that
leave the program (a file, another process) before they decide; models that are no torch modules.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(600, 10)
y = (x[:, 0] * x[:, 1] > 0).long()
x_train, y_train, x_test, y_test = x[:400], y[:400], x[400:], y[400:]
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
best = 0.0
for epoch in range(8):
    model.train()
    for rows in torch.randperm(len(x_train)).split(20):
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
    if accuracy > best:
        best = accuracy
        state = {name: value.clone() for name, value in model.state_dict().items()}
print("test accuracy", best)
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(800, 10)
y = (x[:, 0] * x[:, 1] > 0).long()
x_train, y_train, x_val, y_val, x_test, y_test = x[:400], y[:400], x[400:600], y[400:600], x[600:], y[600:]
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
best, state = 0.0, model.state_dict()
for epoch in range(8):
    model.train()
    for rows in torch.randperm(len(x_train)).split(20):
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
    if accuracy > best:
        best = accuracy
        state = {name: value.clone() for name, value in model.state_dict().items()}
model.load_state_dict(state)
with torch.no_grad():
    print("test accuracy", (model(x_test).argmax(1) == y_test).float().mean().item())
```

## Thresholds
`looks`: so many, at different moments of one training, are told of although they decide nothing, if each is at `examples`
at least: fewer are a sample to look at. `choices`: so many scores there must be for one to be chosen.

## References
Hastie, Tibshirani, Friedman, *The elements of statistical learning*, 7.2: "Ideally, the test set should be kept in a vault,
and be brought out only at the end of the data analysis." C. Dwork et al., "The reusable holdout", Science 349, 2015.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import EvaluationPass
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.rules.decisions import KINDS, Decision, Decisions
from seatrial.rules.looks import Looks, listed, moments, same_examples
from seatrial.rules.source import place_of
from seatrial.rules.where import distinct

NAME = "data.test-set-reuse"
_NAMED = re.compile(r"test|tst|hold_?out|held_?out|(?<![a-z])[xy]?te(?![a-z])", re.IGNORECASE)
_CHOOSE = (
    "Choose by validation data that are kept apart from the test data, and look at the test data once, at the end."
)
_REPORT = "Follow the training on validation data, and look at the test data once, at the end."


@dataclass(frozen=True, slots=True)
class Thresholds:
    """looks, examples, choices: counts. See the page."""

    looks: int = 3
    examples: int = 16
    choices: int = 2


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision by test data. `doubt`: why it may be none, "" where it is one."""

    decision: Decision
    passes: tuple[EvaluationPass, ...]
    doubt: str


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """One finding a run: what was decided, else what was only looked at."""
    if not run.passes or not any(_NAMED.search(text) for text in run.sources.values()):
        return
    decisions = Decisions(run)
    looks = Looks(run, decisions.scores)
    found = [_choice(decisions, looks, decision, limits) for decision in decisions.all()]
    choices = [each for each in found if each is not None]
    if choices:
        yield _chosen(looks, [each for each in choices if not each.doubt] or choices)
    elif reported := _reported(looks, limits):
        yield _only_reported(looks, reported)


def _choice(decisions: Decisions, looks: Looks, decision: Decision, limits: Thresholds) -> Choice | None:
    """A decision, if it is made by test data that were looked at for each of its alternatives."""
    passes: dict[int, EvaluationPass] = {}
    contradicted = False
    for hit in decision.hits:
        found, contradicts = looks.tested(hit, decision.said)
        passes |= {id(each): each for each in found}
        contradicted |= bool(found) and contradicts
    if not passes or (not decision.said and any(looks.validated(hit) for hit in decision.hits)):
        return None
    made = tuple(passes.values())
    at_once = decision.loop is None or not decisions.repetitions.trains(decision.file, decision.loop)
    if not same_examples(made) or (moments(made) < limits.choices and not at_once):
        return None
    if decision.loop is not None and decisions.repetitions.independent(decision.loop) and not looks.again(made):
        return Choice(decision, made, "networks that differ by chance are compared, each looks once")
    if looks.apart(made):
        return Choice(decision, made, "other test data are left for the end")
    return Choice(decision, made, "the score has another name" if contradicted else "")


def _reported(looks: Looks, limits: Thresholds) -> list[EvaluationPass]:
    """Passes over test data in the course of one training."""
    by_model: dict[int, list[EvaluationPass]] = {}
    for each in looks.named_tests:
        if each.examples >= limits.examples or not each.rows:
            by_model.setdefault(each.model, []).append(each)
    return [
        each
        for passes in by_model.values()
        if len({one.tick for one in passes}) >= limits.looks and same_examples(passes)
        for each in passes
    ]


def _chosen(looks: Looks, choices: list[Choice]) -> Finding:
    doubt = choices[0].doubt
    kinds = [KINDS[kind] for kind in KINDS if any(each.decision.kind == kind for each in choices)]
    passes = list({id(each): each for choice in choices for each in choice.passes}.values())
    what, times = " and ".join(kinds), _times(len(passes))
    message = f"The test data decide {what}; they are looked at {times}."
    if doubt:
        message = f"The test data may decide {what}; they are looked at {times} ({doubt})."
    deciding = [place_of(choice.decision.file, choice.decision.node) for choice in choices]
    handed = [place_of(*call) for choice in choices for hit in choice.decision.hits for call in hit.spot.given[:1]]
    where = distinct([*deciding, *handed, *(place for place, _ in listed(looks, passes))])
    figures = _figures(looks, passes) | {"decides": kinds}
    return Finding(NAME, "note" if doubt else "warning", message, where, figures, _CHOOSE, (), 0.5 if doubt else 0.85)


def _only_reported(looks: Looks, passes: list[EvaluationPass]) -> Finding:
    most = max(Counter(each.model for each in passes).values())
    message = (
        f"The test data are looked at {_times(most)} while the network trains. The program only reports the score and "
        "decides nothing by it; whoever reads it may."
    )
    where = distinct(place for place, _ in listed(looks, passes))
    return Finding(NAME, "note", message, where, _figures(looks, passes), _REPORT, (), 0.6)


def _figures(looks: Looks, passes: list[EvaluationPass]) -> dict[str, Figure]:
    lines = [f"{place.file.rpartition('/')[2]}:{place.line} ({times})" for place, times in listed(looks, passes)]
    return {"looks": len(passes), "lines": lines}


def _times(count: int) -> str:
    return "once" if count == 1 else "twice" if count == 2 else f"{count} times"
