"""Which modules behave differently in training and in evaluation mode, and where the source switches modes."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from seatrial.events import EvaluationPass, GraphSeen, LoaderBuilt, LoaderIterated, ModelSeen, ModuleInfo, Node, Place
from seatrial.history import Run
from seatrial.rules.graph import Graph
from seatrial.rules.lines import (
    assigned,
    callers,
    function_at,
    last_name,
    loop_words,
    loops_around,
    names_in,
    nodes,
    span,
)
from seatrial.rules.turns import made

_DROPOUTS = frozenset(["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"])
_NORMS = re.compile(r"BatchNorm\w*$")
_DROPOUT_OPS = frozenset(
    ["dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout", "dropout1d", "dropout2d", "dropout3d"]
)
EVALUATES = re.compile(
    r"eval|valid|(?<![a-z])val|test|predict|infer|score|accura|metric|benchmark|report", re.IGNORECASE
)
TRAINS = re.compile(r"train|(?<![a-z])fit(?![a-z])", re.IGNORECASE)

HELD_OUT = re.compile(r"(?<![a-z])(val|valid|validation|dev|test|tst|holdout)(?![a-z])")
# Passes that are meant to be random, or to renew statistics.
SAMPLES = re.compile(
    r"(?<![a-z])mc(?![a-z])|monte|uncertain|bayes|stochastic|update_bn|recalib|calibrat", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Switch:
    """Calls of dropout and batch normalisation in a recorded graph: those in training mode and those not."""

    on: tuple[Node, ...]
    off: tuple[Node, ...]


def depends_on_mode(module: ModuleInfo) -> bool:
    """Whether a module of torch computes something else in training mode."""
    settings = module.settings
    if module.type in _DROPOUTS:
        return bool(settings.get("p"))
    if _NORMS.search(module.type):
        return settings.get("track_running_stats", True) is not False
    if module.type.startswith("InstanceNorm"):
        return settings.get("track_running_stats") is True
    if module.type in ("LSTM", "GRU", "RNN"):
        layers = settings.get("num_layers")
        return bool(settings.get("dropout")) and isinstance(layers, int) and layers > 1
    return module.type in ("MultiheadAttention", "RReLU") and bool(settings.get("dropout", module.type == "RReLU"))


def is_norm(module: ModuleInfo) -> bool:
    return bool(_NORMS.search(module.type))


def dependent(model: ModelSeen) -> list[ModuleInfo]:
    """The modules of a model that its mode matters to."""
    return [module for module in model.modules if depends_on_mode(module)]


def switches(seen: GraphSeen) -> Switch:
    """Which calls of dropout and batch normalisation in a graph are in training mode."""
    graph = Graph(seen)
    on: list[Node] = []
    off: list[Node] = []
    for node in graph:
        if node.op in _DROPOUT_OPS:
            p, training = graph.argument(node, 1, "p", 0.5), graph.argument(node, 2, "training", True)
            if p:
                (on if training else off).append(node)
        elif node.op == "batch_norm":
            (on if graph.argument(node, 5, "training", False) else off).append(node)
    return Switch(tuple(on), tuple(off))


def speaks_of(run: Run, place: Place | None, words: re.Pattern[str]) -> bool:
    """Whether the function around a line, or one that calls it, is named by one of the words."""
    if place is None:
        return False
    function = function_at(run, place)
    name = function.name if function is not None else place.function
    return bool(words.search(name))


def sites_in_loops(run: Run, place: Place) -> list[Place]:
    """The calls by which a line is reached, those that stand in a loop of the trainer's first (a function is followed
    outwards through its callers)."""
    sites = callers(run, place)
    return sorted(sites, key=lambda site: (not loops_around(run, site), sites.index(site)))


def training_places(run: Run) -> set[Place]:
    """Lines of forward passes that a backward pass followed: the last ones of each model before it."""
    found: set[Place] = set()
    latest: dict[int, Place | None] = {}
    for one in made(run):
        if one.call.kind == "forward":
            latest[one.call.subject] = one.call.where
        elif one.call.kind == "backward":
            found |= {place for place in latest.values() if place is not None}
            latest = {}
    return found


def evaluations(run: Run) -> dict[tuple[int, Place], list[EvaluationPass]]:
    """Passes that evaluate a model on held-out data, by model and line: those whose line, loop or function says so and
    that are neither training steps nor made inside of them."""
    training = training_places(run)
    sure: dict[tuple[Place, str, int], float] = {}
    found: dict[tuple[int, Place], list[EvaluationPass]] = {}
    for one in run.passes:
        if one.where is None or one.label == "train" or _repeats(one):
            continue
        if one.where in training and (one.grad_enabled or not (_on_held_out_data(run, one) or _evaluating(run, one))):
            continue
        key = one.where, one.label, one.data
        if key not in sure:
            sure[key] = certainty(run, one)
        if sure[key] > 0:
            found.setdefault((one.model, one.where), []).append(one)
    return found


def is_held_out(run: Run, loader: LoaderBuilt) -> bool:
    """Whether the names of a loader or of its data say validation or test, and none says training."""
    if loader.where is None:
        return False
    targets = assigned(run, loader.where)
    calls = [
        node
        for node in nodes(run, loader.where.file)
        if isinstance(node, ast.Call)
        and "Loader" in last_name(node.func)
        and span(node)[0] <= loader.where.line <= span(node)[1]
    ]
    if len(calls) != 1 or len(targets) > 1:
        return False
    words = {word.lower() for word in [*targets, *(names_in(calls[0].args[0]) if calls[0].args else ())]}
    return any(HELD_OUT.search(word) for word in words) and not any(TRAINS.search(word) for word in words)


def _on_held_out_data(run: Run, one: EvaluationPass) -> bool:
    """Whether a pass drew its batches from a loader that is called validation or test and that is not trained on."""
    if one.data < 0:
        return False
    loaders = [loader for loader in run.loaders.values() if loader.data == one.data]
    trained = {use.loader for use in run.every(LoaderIterated) if use.training_ticks}
    return bool(loaders) and all(is_held_out(run, loader) and loader.loader not in trained for loader in loaders)


def _evaluating(run: Run, one: EvaluationPass) -> bool:
    """Whether a line that serves training as well (within another module's forward) was reached from a function that
    is named as an evaluation, on data that are called validation or test."""
    names = [place.function for place in one.callers]
    if one.label not in ("val", "test") or any(SAMPLES.search(name) for name in names):
        return False
    return any(EVALUATES.search(name) and not TRAINS.search(name) for name in names)


def out_of_reach(run: Run, one: EvaluationPass) -> list[Place]:
    """The call of eval() before a pass in training mode, in the innermost function by which it was reached that has one:
    it switches something else. None where train() stands between them."""
    for place in one.callers:
        function = function_at(run, place)
        switched = [
            (node.lineno, last_name(node.func), bool(node.args))
            for node in (ast.walk(function) if function is not None else ())
            if isinstance(node, ast.Call) and last_name(node.func) in ("eval", "train") and node.lineno <= place.line
        ]
        if switched:
            line, name, given = max(switched)
            return [Place(place.file, line, place.function)] if name == "eval" and not given else []
    return []


def certainty(run: Run, one: EvaluationPass) -> float:
    """How sure it is that a pass is an evaluation on held-out data: by the label, by the loop around it, by the function."""
    place = one.where
    if place is None:
        return 0.0
    function = function_at(run, place)
    name = function.name if function is not None else ""
    if SAMPLES.search(name) or SAMPLES.search(run.line(place)):
        return 0.0
    if one.label in ("val", "test") or _on_held_out_data(run, one):
        return 0.95
    heads = {word.lower() for loop in loops_around(run, place) for word in loop_words(loop)}
    if any(HELD_OUT.search(word) for word in heads):
        return 0.9
    if EVALUATES.search(name) and not TRAINS.search(name):
        return 0.75
    return 0.0


def _repeats(one: EvaluationPass) -> bool:
    """Whether the same examples come again and again, as where many answers of one network are averaged."""
    return len(one.rows) >= 4 and len(set(one.rows)) <= len(one.rows) / 2


def definition(run: Run, place: Place) -> Place | None:
    """The line that defines the function around a line."""
    function = function_at(run, place)
    return Place(place.file, function.lineno, function.name) if function is not None else None
