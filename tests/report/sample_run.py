"""A run as plain events, like that of examples/digits.py, for tests of what is made of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from seatrial.config import Config
from seatrial.events import (
    Association,
    BatchSeen,
    CallSeen,
    DataGlanced,
    EvaluationPass,
    Event,
    Forked,
    GradientChecked,
    Look,
    Losses,
    ModelSeen,
    ModuleInfo,
    NotLookedAt,
    Overfitted,
    ParameterInfo,
    Place,
    RateSwept,
    RunEnded,
    Rung,
    RunStarted,
    Settings,
    SourceSeen,
    StepChecked,
    TorchSeen,
    Untrained,
)
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.verdict import Verdict, settle

FOLDER = "/home/ada/digits"
SCRIPT = f"{FOLDER}/digits.py"
SOURCE = (Path(__file__).parents[2] / "examples" / "digits.py").read_text(encoding="utf-8")
TICKS = 304
LAYERS = (("hidden", 64, 48), ("more", 48, 48), ("out", 48, 10))


def place(text: str, function: str = "<module>") -> Place:
    """The line of the sample's source that holds a text."""
    return Place(SCRIPT, 1 + SOURCE[: SOURCE.index(text)].count("\n"), function)


def events() -> list[Event]:
    """The whole run: 304 steps of three layers, eight evaluations, eleven looks."""
    return [
        RunStarted("digits.py", ("--epochs", "8"), 1.79e9, "0.1.0", "3.11.9", FOLDER),
        TorchSeen("2.13.0"),
        SourceSeen(SCRIPT, SOURCE),
        _model(),
        CallSeen(0, "backward", -1, "backward", place("loss.backward()")),
        Settings(0, 0, "lr", (0, 100, 200), (0.05, 0.025, 0.0125)),
        Settings(0, 0, "momentum", (0,), (0.9,)),
        *_batches(),
        Losses(0, tuple(range(TICKS)), tuple(map(_loss, range(TICKS)))),
        *(_look(tick) for tick in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 303)),
        *(_evaluation(epoch) for epoch in range(1, 9)),
        NotLookedAt("worker processes", "what happens inside of DataLoader workers is not watched"),
        RunEnded("completed", 0, "", None, TICKS, TICKS, 6.2, 0.17),
    ]


def _loss(tick: int) -> float:
    return 1.62 + 0.69 / (1 + math.exp((tick - 90) / 22)) + 0.05 * math.sin(tick * 12.9898) * math.cos(tick * 3.7)


def _model() -> ModelSeen:
    modules = [ModuleInfo("", "Reader", place("model = Reader"), True, {"training": True})]
    parameters: list[ParameterInfo] = []
    for name, wide, high in LAYERS:
        settings: dict[str, bool | int | float | str | None] = {"in_features": wide, "out_features": high}
        modules.append(ModuleInfo(name, "Linear", place(f"self.{name} ="), True, settings))
        for path, shape in ((f"{name}.weight", (high, wide)), (f"{name}.bias", (high,))):
            parameters.append(ParameterInfo(len(parameters), path, shape, "float32", True, False, {}))
    where, called = place("model = Reader"), place("loss = criterion(model(x)")
    return ModelSeen(0, 0, "model", "Reader", where, called, tuple(modules), tuple(parameters))


def _batches() -> list[BatchSeen]:
    stats = {"mean": -0.39, "std": 0.753, "min": -1.0, "max": 1.0}
    classes = {str(digit): 2 + digit * 7 % 5 for digit in range(10)}
    return [
        BatchSeen(0, "training", 0, "input", 0, (32, 64), "float32", stats),
        BatchSeen(0, "training", 0, "target", 1, (32,), "int64", {}, classes),
    ]


def _look(tick: int) -> Look:
    sizes = [1.3 / (1 + at) * math.exp(-tick / 250) for at in range(2 * len(LAYERS))]
    weights = tuple(3.0 + tick / 400 for _ in sizes)
    updates = tuple(0.05 * size / (1 + tick / 60) for size in sizes)
    count = len(sizes)
    zeros = (0.0,) * count
    return Look(tick, 0, tuple(range(count)), weights, tuple(sizes), tuple(sizes), zeros, (0,) * count, updates, zeros)


def _evaluation(epoch: int) -> EvaluationPass:
    loss = {"cross_entropy": _loss(epoch * 38) + 0.02}
    return EvaluationPass(epoch * 38, 0, place("loss += criterion"), 1, 300, 0.0, 0.0, loss, (), "val")


def softmax() -> Finding:
    """The finding that is right of the sample."""
    return Finding(
        "model.softmax-before-cross-entropy",
        "error",
        "softmax is applied to the 10 outputs that cross_entropy takes as logits, so the loss cannot fall below 1.46 "
        "and stood at 1.67 after 304 steps.",
        (place("return torch.softmax", "forward"), place("loss = criterion(model(x)")),
        {"classes": 10, "lowest_possible_loss": 1.4612, "loss_at_end": 1.674, "steps": TICKS},
        "Return the logits from forward, and apply softmax only where probabilities are wanted.",
        ("optimisation.underfitting", "optimisation.loss-not-decreasing"),
        0.99,
    )


def underfitting() -> Finding:
    return Finding(
        "optimisation.underfitting",
        "warning",
        "Training and validation loss end at 1.67 and 1.63, close to each other and high.",
        (place("loss.backward()"),),
        {"training_loss": 1.674, "validation_loss": 1.633},
        "Look for a fault in the network or its loss first.",
        confidence=0.7,
    )


def unseeded() -> Finding:
    return Finding(
        "loop.unseeded-run",
        "note",
        "numpy's generator moved during the run without having been seeded.",
        (place("torch.manual_seed(0)"),),
        {"generators": ["numpy"]},
        "Seed it beside torch: numpy.random.seed(0).",
        confidence=0.95,
    )


def proof_of_softmax() -> Forked:
    """Forks that prove the finding that is right."""
    return Forked(
        softmax().name,
        "softmax removed",
        80,
        2.28,
        (1.95, 1.95, 1.94, 1.95),
        (0.09, 0.19, 0.22, 0.2),
        "learning rate x 0.3",
        (2.22, 2.22, 2.22, math.inf),
        tuple(2.3 - at / 2000 for at in range(80)),
        tuple(2.3 * math.exp(-at / 30) for at in range(80)),
    )


def guess_at_the_rate() -> Forked:
    """Forks that prove nothing."""
    ends = (1.95, 1.95, 1.94, 1.95)
    return replace(proof_of_softmax(), name="optimisation.learning-rate-too-low", fix="learning rate x 10", mended=ends)


def untrained() -> Untrained:
    by_class = {str(digit): 2.2 + digit / 50 for digit in range(10)}
    return Untrained(0, 0, 2.27, (2.31, 2.29, 2.36, 2.3, 2.28), 2.11, "fitted", by_class)


def ladder() -> Overfitted:
    """One and five examples are learned by heart, twenty are not."""

    def rung(examples: int, kind: str, end: float) -> Rung:
        return Rung(examples, kind, end, 50, 3e-3, tuple(end + (2.3 - end) * math.exp(-at / 8) for at in range(50)))

    real = (rung(size, "as it is", end) for size, end in ((1, 0.0), (5, 0.04), (20, 1.7), (32, 1.0)))
    return Overfitted(0, 0, 2.11, "fitted", (*real, rung(20, "shuffled targets", 1.9), rung(20, "inputs of zero", 2.2)))


def sweep() -> RateSwept:
    """The loss falls steepest near 0.1, rises from 1 on and is lost at 10."""
    rates = tuple(5e-5 * 10 ** (at / 10) for at in range(60))
    losses = tuple(0.5 + 1.8 / (1 + (rate / 0.1) ** 2) + 6 * max(0.0, math.log10(rate)) for rate in rates)
    return RateSwept(0, rates, (*losses[:53], *[math.inf] * 7), 2, 0.05, 1.08, 3.52)


def gradient(function: str = "Softplus", differing: int = 12) -> GradientChecked:
    """A backward pass that has the wrong sign at some elements, or is right."""
    where, slip = place("def forward"), ("sign", "the sign is turned") if differing else ("", "")
    error = 2.0 if differing else 3e-11
    return GradientChecked(
        0, 0, 4, function, where, where, 0, "x", (32, 48), 512, differing, 3, error, 0.5, -0.5, 1e-9, error, *slip
    )


def whole(differing: int = 0) -> StepChecked:
    """The gradients of the whole network, right or not."""
    found = (differing, "Net.out.weight", 1.0 if differing else 2e-9, "it is twice as large" if differing else "")
    return StepChecked(0, 0, "untrained", False, 6, 1234, 2, *found, ("Net.table",))


def glance() -> DataGlanced:
    """Digits as a nearest neighbour and a linear model see them."""
    chance = Association(0.1, 0.1, 0.02, 0.6)
    near, linear, single = (Association(score, 0.1, 0.02, 0.01) for score in (0.91, 0.84, 0.21))
    return DataGlanced("training", 0, 608, 64, 10, near, near, linear, single, 36, chance, 1, 0.02)


def tried() -> list[Event]:
    """What trials showed, and what could not be tried."""
    not_tried = NotLookedAt("a proof of model.dead-units", "12 steps of its forks would take 40 s", trial=True)
    looks = [gradient(), gradient("Scale", 0), whole(), glance()]
    return [proof_of_softmax(), guess_at_the_rate(), untrained(), ladder(), sweep(), *looks, not_tried]


def verdict(
    *found: Finding, config: Config | None = None, changed: Iterable[Event] = (), also: Iterable[Event] = ()
) -> Verdict:
    """The verdict on the sample with these findings. `changed` events stand in for those of their class, `also` are added."""
    kinds = {type(event): event for event in changed}
    run = Run.of([*(kinds.get(type(event), event) for event in events()), *also])
    return settle(run, found, (), config or Config())


def hostile(text: str) -> Verdict:
    """The sample with a text wherever a stranger's text can come from."""
    start = RunStarted(text, (text,), 1.79e9, "0.1.0", "3.11.9", FOLDER)
    source = SourceSeen(SCRIPT, f"x = {text!r}\n# {text}\n{text}\n" + SOURCE)
    at = Place(SCRIPT, 2, text)
    ended = RunEnded("failed", 1, f"ValueError: {text}", at, TICKS, TICKS, 6.2, 0.17)
    model = replace(_model(), type=text, modules=(ModuleInfo("hidden", text, at, True, {text: text}),))
    told = Finding(
        "model.dead-units", "error", text, (at, Place(text, 3, text)), {text: text, "list": [text]}, text, (), 0.9
    )
    proven = replace(told, name="model.saturated-activations", proof={"fix": text, text: text})
    unseen = NotLookedAt(text, text)
    label = replace(_evaluation(1), losses={text: 1.0}, label=text)
    config = Config(ignore={"loop.unseeded-run": text}, file=text)
    note = replace(unseeded(), message=text)
    changed = [start, source, ended, model, unseen, label]
    return verdict(told, proven, note, config=config, changed=changed, also=_hostile_trials(text))


def _hostile_trials(text: str) -> list[Event]:
    named = {"fix": text, "control_fix": text}
    rungs = tuple(replace(rung, kind=text if rung.kind != "as it is" else rung.kind) for rung in ladder().rungs)
    return [
        replace(proof_of_softmax(), name="model.dead-units", **named),
        replace(guess_at_the_rate(), name=text, **named),
        replace(untrained(), how=text, classes={text: 1.0, "other": 2.0}),
        replace(ladder(), how=text, rungs=rungs),
        sweep(),
        replace(gradient(text), name=text, slip=text, sentence=text),
        replace(glance(), phase=text),
        NotLookedAt(text, text, trial=True),
    ]
