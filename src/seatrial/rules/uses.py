"""How the user's classes use their parts: methods, what they call, which blocks turn gradients off."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import ModelSeen, Place
from seatrial.history import Run
from seatrial.rules.source import file_of, files_of
from seatrial.rules.syntax import File, spans, tail

# Calls by which a value leaves torch, or comes back without its history.
ARRAYS = frozenset({"numpy", "from_numpy"})
LEAVING = frozenset({"item", "tolist", "numpy"})
CONVERSIONS = ARRAYS | frozenset(["item", "tolist", "tensor", "as_tensor", "FloatTensor", "Tensor", "asarray", "array"])
NO_GRADIENT = frozenset(["no_grad", "inference_mode", "set_grad_enabled"])


@dataclass(frozen=True, slots=True)
class Method:
    """A function of the user's source; `owner` is its class, or "" for a plain function, `name` "" for a module's own
    lines."""

    file: File
    owner: str
    name: str
    node: ast.AST

    def place(self, node: ast.AST) -> Place:
        """The line of a syntax node inside of this method."""
        return Place(self.file.name, getattr(node, "lineno", 1), self.name or "<module>")


def methods(run: Run) -> Iterator[Method]:
    """All functions and methods of the files that the run used."""
    for file in files_of(run):
        for name, functions in file.functions.items():
            for node in functions:
                owner = file.parents.get(node)
                yield Method(file, owner.name if isinstance(owner, ast.ClassDef) else "", name, node)


def calls(method: Method, names: frozenset[str]) -> list[Place]:
    """The lines of a method that call one of the names, in order."""
    found = [node for node in ast.walk(method.node) if isinstance(node, ast.Call) and tail(node.func) in names]
    return [method.place(node) for node in sorted(found, key=lambda node: node.lineno)]


def rewrapped(method: Method) -> list[Place]:
    """The lines on which numbers that left torch are made a tensor again: `torch.tensor(loss.item())`."""
    made = CONVERSIONS - LEAVING
    return [
        method.place(node)
        for node in ast.walk(method.node)
        if isinstance(node, ast.Call)
        and tail(node.func) in made
        and any(isinstance(part, ast.Call) and tail(part.func) in LEAVING for part in ast.walk(node))
    ]


def self_uses(method: Method, attribute: str) -> list[Place]:
    """The lines of a method that read `self.<attribute>`, in order."""
    found = [
        node
        for node in ast.walk(method.node)
        if isinstance(node, ast.Attribute)
        and node.attr == attribute
        and isinstance(node.ctx, ast.Load)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    ]
    return [method.place(node) for node in sorted(found, key=lambda node: node.lineno)]


def classes_above(model: ModelSeen, path: str) -> list[tuple[str, str]]:
    """The classes that hold a parameter, outermost first, each with the name of its attribute on the way down:
    ("Net", "encoder"), ("Encoder", "conv") for the path "encoder.conv.weight"."""
    types = {module.path: module.type for module in model.modules} | {"": model.type}
    parts = path.split(".")
    prefixes = [".".join(parts[:depth]) for depth in range(len(parts))]
    return [(types[prefix], part) for prefix, part in zip(prefixes, parts, strict=True) if prefix in types]


def forward_uses(run: Run, model: ModelSeen, path: str) -> list[tuple[Method, Place]]:
    """Where methods other than the constructor read the attributes through which a parameter is reached."""
    above = classes_above(model, path)
    return [
        (method, place)
        for method in methods(run)
        if method.name != "__init__"
        for owner, attribute in above
        if method.owner == owner
        for place in self_uses(method, attribute)
    ]


def around(run: Run, place: Place) -> Method | None:
    """The innermost function that holds a line; the file itself for lines outside of functions."""
    file = file_of(run, place.file)
    if file is None:
        return None
    inner = [method for method in methods(run) if method.file is file and spans(method.node, place.line)]
    return max(inner, key=lambda method: getattr(method.node, "lineno", 0), default=Method(file, "", "", file.tree))


def gradients_off(run: Run, place: Place) -> Place | None:
    """The `with torch.no_grad():` (or decorator) that rules a line, innermost first."""
    file = file_of(run, place.file)
    found: Place | None = None
    for node in ast.walk(file.tree) if file is not None else ():
        if not isinstance(node, (ast.With, ast.FunctionDef)) or not spans(node, place.line):
            continue
        heads = [item.context_expr for item in node.items] if isinstance(node, ast.With) else node.decorator_list
        for head in heads:
            if {tail(part) for part in ast.walk(head)} & NO_GRADIENT:
                found = Place(place.file, head.lineno, place.function)
    return found


def lines_calling(run: Run, names: frozenset[str]) -> list[tuple[Place, ast.Call]]:
    """All calls of the names anywhere in the user's source, in order of files and lines."""
    found: list[tuple[Place, ast.Call]] = []
    for file in files_of(run):
        for call in sorted(file.calls, key=lambda call: call.lineno):
            if tail(call.func) in names:
                found.append((Place(file.name, call.lineno), call))
    return found
