"""Which modules behave differently in training and in evaluation mode, and where the source switches modes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from seatrial.events import GraphSeen, ModelSeen, ModuleInfo, Node, Place
from seatrial.history import Run
from seatrial.rules.graph import Graph
from seatrial.rules.lines import callers, function_at, loops_around

_DROPOUTS = frozenset(["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"])
_NORMS = re.compile(r"BatchNorm\w*$")
_DROPOUT_OPS = frozenset(
    ["dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout", "dropout1d", "dropout2d", "dropout3d"]
)
EVALUATES = re.compile(
    r"eval|valid|(?<![a-z])val|test|predict|infer|score|accura|metric|benchmark|report", re.IGNORECASE
)
TRAINS = re.compile(r"train|(?<![a-z])fit(?![a-z])", re.IGNORECASE)


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
