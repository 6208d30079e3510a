"""Lines to point at: where a module was made, where it was called, who called the loss."""

from __future__ import annotations

from collections.abc import Iterable

from seatrial.events import ModuleInfo, Node, Place
from seatrial.history import Run

# Modules of torch whose forward is a single call: the line to change is the one that makes the module.
_SINGLE_CALLS = frozenset(
    [
        "Softmax",
        "LogSoftmax",
        "Softmin",
        "Softmax2d",
        "Sigmoid",
        "LogSigmoid",
        "Tanh",
        "ReLU",
        "ReLU6",
        "LeakyReLU",
        "Softplus",
        "ELU",
        "SELU",
        "CELU",
        "GELU",
        "SiLU",
        "Mish",
        "Hardtanh",
        "Hardsigmoid",
        "Hardswish",
        "Softsign",
        "Threshold",
        "Dropout",
        "Dropout1d",
        "Dropout2d",
        "Dropout3d",
        "AlphaDropout",
        "FeatureAlphaDropout",
        "Linear",
        "LazyLinear",
        "Bilinear",
        "Conv1d",
        "Conv2d",
        "Conv3d",
        "ConvTranspose1d",
        "ConvTranspose2d",
        "ConvTranspose3d",
        "Embedding",
        "EmbeddingBag",
        "LSTM",
        "GRU",
        "RNN",
        "MultiheadAttention",
        "CrossEntropyLoss",
        "NLLLoss",
        "BCELoss",
        "BCEWithLogitsLoss",
        "MSELoss",
        "L1Loss",
        "SmoothL1Loss",
        "HuberLoss",
        "KLDivLoss",
        "PoissonNLLLoss",
        "GaussianNLLLoss",
        "CTCLoss",
    ]
)


def module_of(run: Run, node: Node) -> ModuleInfo | None:
    """The innermost module in which a call was made, if a model that was seen has it."""
    for model in run.models.values():
        for prefix in (model.name, model.type):
            if prefix and (node.module == prefix or node.module.startswith(prefix + ".")):
                path = node.module[len(prefix) + 1 :]
                found = next((module for module in model.modules if module.path == path), None)
                if found is not None and found.type == node.module_type:
                    return found
    return None


def made_at(run: Run, node: Node) -> Place | None:
    """The line that made the module of a call, where that module does nothing but this call (`nn.Softmax(dim=0)`)."""
    module = module_of(run, node)
    return module.where if module is not None and module.type in _SINGLE_CALLS else None


def lines(run: Run, *nodes: Node, callers: bool = False) -> tuple[Place, ...]:
    """For each node the line that made its module, then the line of the call (and those who called it)."""
    found: list[Place] = []
    for node in nodes:
        made = made_at(run, node)
        found += [made] if made is not None else []
        found += [node.where] if node.where is not None else []
        found += node.chain if callers else ()
    return distinct(found)


def distinct(places: Iterable[Place | None]) -> tuple[Place, ...]:
    """Places without None and without repetitions of a line."""
    kept: dict[tuple[str, int], Place] = {}
    for place in places:
        if place is not None:
            kept.setdefault((place.file, place.line), place)
    return tuple(kept.values())
