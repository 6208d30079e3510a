"""What is said of examples that were glanced at: labels of other inputs, conflicting labels, targets among the features."""

from __future__ import annotations

import random
import textwrap
from dataclasses import replace

import pytest
from graphs import FILE
from trainings import at, batch, evaluated, falling, noisy, run_of, step

from seatrial.events import Association, DataGlanced, Event, GraphSeen, SourceSeen
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules import discover

FLAT = noisy([2.3] * 60)
DRAWS = random.Random(2)
NOTHING = Association(0.1, 0.1, 0.01, 0.5)
MUCH = Association(0.9, 0.1, 0.01, 0.01)
GLANCED = DataGlanced("training", 0, 1000, 60, 10, NOTHING, NOTHING, NOTHING, NOTHING, 3, NOTHING, 1, 0.0)
TOGETHER = """
    x, y = load()
    order = np.random.permutation(len(x))
    x = x[order]
    y = y[order]
"""


def said(run: Run, name: str) -> list[Finding]:
    rule = discover()[f"data.{name}"]
    return list(rule.check(run, rule.limits))


def source(head: str) -> SourceSeen:
    """A program that begins with the given lines and calls the loss in line 7."""
    lines = textwrap.dedent(head).strip("\n").splitlines()
    assert len(lines) <= 6
    lines += ["#"] * (6 - len(lines)) + ["loss = cross_entropy(model(x), y)", "loss.backward()"]
    return SourceSeen(FILE, "\n".join(lines))


def batches(repeated: bool = False, redrawn: bool = False) -> list[Event]:
    """Forty steps of ten examples; from the eleventh on they come again, with other classes if `redrawn`."""
    events: list[Event] = []
    for tick in range(40):
        first = 10 * (tick % 10 if repeated else tick)
        rows = list(range(first, first + 10))
        classes = [DRAWS.randrange(5) if redrawn else (7 * row) % 5 for row in rows]
        events.append(batch(tick, [1000 + row for row in rows]))
        events.append(batch(tick, classes, role="target", classes=classes))
    return events


def graph(dtype: str = "int64") -> GraphSeen:
    """A step whose loss is called in line 7."""
    seen = step(dtype)
    return replace(seen, nodes=tuple(replace(node, where=at(7), chain=()) for node in seen.nodes))


def misaligned(head: str, glanced: DataGlanced, *also: Event, losses: list[float] = FLAT) -> list[Finding]:
    return said(run_of(losses, source(head), *(also or batches()), glanced, graph=graph()), "misaligned-labels")


FAULTY = {
    "x = load()\nx = x[np.random.permutation(len(x))]\ny = y[np.random.permutation(len(y))]": [2, 3],
    "x, y = load()\nx = x[torch.randperm(len(x))]": [2],
    "x, y = load()\nnp.random.shuffle(x)": [2],
    "x, y = load()\nlabels = list(y)\nlabels.sort()\ny = torch.tensor(labels)": [3],
    "x, y = load()\ny = np.sort(y)": [2],
    "x, y = load()\nx, held = train_test_split(x)\ny, kept = train_test_split(y)": [2, 3],
    "x, y = load()\norder = x[:, 0].argsort()\nx = x[order].float()": [3],
    "frame = read()\nx = frame.sample(frac=1)[names]\ny = frame[label]": [2],
    "def mixed(a):\n    return a[np.random.permutation(len(a))]\nx = mixed(load())\ny = mixed(labels())": [3, 4],
}
HEALTHY = {
    TOGETHER,
    "def mixed(a):\n    rng = default_rng(3)\n    return a[rng.permutation(len(a))]\nx = mixed(load())\ny = mixed(labels())",
    "def mixed(a, seed):\n    return a[order(len(a), seed)]\nx = mixed(load(), 3)\ny = mixed(labels(), 3)",
    "def mixed(a):\n    return a[permutation(len(a))]\ntable = mixed(load())\nx = table[:, :-1]\ny = table[:, -1]",
    "def mixed(a, b):\n    order = permutation(len(a))\n    return a[order], b[order]\nx, y = mixed(load(), labels())",
    "x, y = load()\nx, y = shuffle(x, y)",
    "x, y = load()\nx = shuffle(x, random_state=3)\ny = shuffle(y, random_state=3)",
    "x, y = load()\nx = RandomState(0).permutation(x)\ny = RandomState(0).permutation(y)",
    "pairs = load()\nrandom.shuffle(pairs)\nx, y = stack(p[0] for p in pairs), stack(p[1] for p in pairs)",
    "x, y = load()\nx = np.sort(x)",  # features
    "x, y = load()\nx = x[:, np.random.permutation(64)]",  # features
    "x, y = load()\ncodes = {word: at for at, word in enumerate(sorted(set(x)))}\nx = encode(codes, x)",
    "x = load()\nx = x[torch.randperm(len(x))]\ny = torch.randint(0, 10, (len(x),))",  # drawn
    "x, y = load()\nx = x[torch.randperm(len(x))]\ny = Categorical(logits).sample()",
    "x, y = load()\n# control with random labels\ny = y[torch.randperm(len(y))]",
    "x, y = load()",
}


@pytest.mark.parametrize("head", FAULTY)
def test_one_of_them_is_put_into_another_order(head: str) -> None:
    (finding,) = misaligned(head, GLANCED)
    assert finding.severity == "error"
    assert [place.line for place in finding.where][: len(FAULTY[head])] == FAULTY[head]


@pytest.mark.parametrize("head", sorted(HEALTHY))
def test_both_are_put_into_one_order_or_none(head: str) -> None:
    assert misaligned(head, GLANCED) == []


APART = "x, y = load()\nx = x[torch.randperm(len(x))]"


@pytest.mark.parametrize(
    "glanced",
    [
        replace(GLANCED, nearest=MUCH),
        replace(GLANCED, linear=MUCH),
        replace(GLANCED, single=replace(MUCH, score=0.14)),
        replace(GLANCED, nearest_in_batch=MUCH),
        replace(GLANCED, examples=100),
        replace(GLANCED, nearest=replace(NOTHING, spread=0.06)),  # too few to tell
        replace(GLANCED, phase="evaluation"),
    ],
)
def test_another_order_alone_says_nothing_where_examples_are_associated(glanced: DataGlanced) -> None:
    assert misaligned(APART, GLANCED)
    assert misaligned(APART, glanced) == []


def test_a_network_that_answers_new_examples_has_learned_something() -> None:
    learned = [*batches(), evaluated(10, range(5000, 5100), 2.3), evaluated(40, range(5000, 5100), 0.6)]
    assert misaligned(APART, GLANCED, *learned) == []
    assert misaligned(APART, GLANCED, losses=falling(1.6, 0.1, 60)) == []


def test_examples_that_meet_another_class_each_time() -> None:
    (finding,) = misaligned("x, y = draw()", GLANCED, *batches(repeated=True, redrawn=True))
    assert finding.evidence["same_class_again"] == pytest.approx(0.2, abs=0.1)
    assert misaligned("x, y = draw()", GLANCED, *batches(repeated=True)) == []
    few = replace(GLANCED, nearest_in_batch=MUCH)  # classes of an episode
    assert misaligned("x, y = draw()", few, *batches(repeated=True, redrawn=True)) == []


def test_targets_that_are_some_places_off() -> None:
    moved = replace(GLANCED, shifted=MUCH, shift=-1)
    (finding,) = misaligned("x, y = load()\ny = np.roll(y, 1)", moved)
    assert finding.where[0].line == 2
    assert finding.evidence["shift"] == -1
    other = replace(moved, phase="evaluation")
    assert said(run_of(FLAT, source("x, y = load()"), *batches(), GLANCED, other, graph=graph()), "misaligned-labels")
    series = replace(moved, alike=0.9)
    assert misaligned("x, y = load()\ny = np.roll(y, 1)", series) == []


def test_examples_of_the_evaluation_that_can_be_answered() -> None:
    other = replace(GLANCED, phase="evaluation", nearest=MUCH)
    run = run_of(FLAT, source("x, y = load()"), *batches(), GLANCED, other, graph=graph())
    assert len(said(run, "misaligned-labels")) == 1
    drawn = run_of(
        FLAT, source("x = load()\ny = torch.randint(0, 10, (len(x),))"), *batches(), GLANCED, other, graph=graph()
    )
    assert said(drawn, "misaligned-labels") == []


# ---- conflicting labels ------------------------------------------------------------------------------------------


def labelled(
    conflicts: int, size: int = 100, epochs: int = 4, continuous: bool = True, dtype: str = "int64", **known: float
) -> Run:
    """Epochs over examples of which some stand twice in the data, with different classes. `known`: stats of the inputs."""
    data = [(row, row % 5) for row in range(size)] + [(row, (row + 1) % 5) for row in range(conflicts)]
    events: list[Event] = []
    for epoch in range(epochs):
        order = DRAWS.sample(data, len(data))
        for number, start in enumerate(range(0, len(order) - 9, 10)):
            part = order[start : start + 10]
            rows, classes = [1000 + row for row, _ in part], [name for _, name in part]
            seen = batch(100 * epoch + number, rows)
            stats = {**seen.stats, "different": 1.0 if continuous else 0.3, **known}
            target = batch(100 * epoch + number, classes, role="target", classes=classes)
            events += [replace(seen, stats=stats), target if dtype == "int64" else replace(target, histogram={})]
    return run_of(FLAT, source("x, y = load()\nx = torch.cat([x, x[:9]])"), *events, graph=graph(dtype))


def test_conflicting_labels() -> None:
    (finding,) = said(labelled(20), "conflicting-labels")
    assert finding.severity == "warning"
    assert finding.evidence["conflicting"] == pytest.approx(20, abs=3)
    assert finding.where[0].line == 2


@pytest.mark.parametrize(
    "run",
    [
        labelled(0),
        labelled(2),
        labelled(20, continuous=False),  # equal by chance
        labelled(20, dtype="float32"),  # measurements
        labelled(20, integers=1.0, distinct=2.0),  # codes of ones and zeros
        run_of(FLAT, source("x, y = load()"), *batches(repeated=True, redrawn=True)),
    ],
)
def test_no_conflicting_labels(run: Run) -> None:
    assert said(run, "conflicting-labels") == []


# ---- leaks -------------------------------------------------------------------------------------------------------

COPIED = replace(GLANCED, nearest=MUCH, copy=12, without_copy=MUCH)


def test_a_copy_of_the_target_among_the_features() -> None:
    head = "table = np.column_stack([data, target])\nx, y = scale(table), torch.tensor(target)"
    (finding,) = said(run_of(FLAT, source(head), *batches(), COPIED, graph=graph()), "target-leak")
    assert finding.severity == "error"
    assert finding.evidence["feature"] == 12
    assert finding.where[0].line == 1


@pytest.mark.parametrize(
    "glanced",
    [
        GLANCED,
        replace(COPIED, without_copy=NOTHING),  # a target that was made of one random feature
        replace(COPIED, without_copy=None),
        replace(COPIED, phase="evaluation"),
        replace(COPIED, examples=45),
    ],
)
def test_no_leak(glanced: DataGlanced) -> None:
    assert said(run_of(FLAT, source("x, y = load()"), *batches(), glanced, graph=graph()), "target-leak") == []
