"""Questions of rules to the user's source text: where a number is set, where data are made, what a line is about.

All functions take the run (for its sources) and never raise on odd sources: what cannot be read yields nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from seatrial.events import Node, Place
from seatrial.history import Run
from seatrial.rules import frameworks
from seatrial.rules.expressions import ANY, MOST
from seatrial.rules.graph import Graph
from seatrial.rules.resolve import Resolver
from seatrial.rules.resolved import Step, Value
from seatrial.rules.syntax import LOOPS, File, Function, parsed, root, spans, tail
from seatrial.rules.where import distinct

# Names of positional arguments of torch's own optimizers, schedulers and loaders, by class.
_POSITIONS: dict[str, tuple[str, ...]] = {
    "SGD": ("params", "lr", "momentum", "dampening", "weight_decay", "nesterov"),
    "RMSprop": ("params", "lr", "alpha", "eps", "weight_decay", "momentum", "centered"),
    "Adagrad": ("params", "lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"),
    "Adadelta": ("params", "lr", "rho", "eps", "weight_decay"),
    "ASGD": ("params", "lr", "lambd", "alpha", "t0", "weight_decay"),
    "Rprop": ("params", "lr", "etas", "step_sizes"),
    "LBFGS": ("params", "lr", "max_iter", "max_eval", "tolerance_grad", "tolerance_change", "history_size"),
    "StepLR": ("optimizer", "step_size", "gamma"),
    "MultiStepLR": ("optimizer", "milestones", "gamma"),
    "ExponentialLR": ("optimizer", "gamma"),
    "CosineAnnealingLR": ("optimizer", "T_max", "eta_min"),
    "CosineAnnealingWarmRestarts": ("optimizer", "T_0", "T_mult", "eta_min"),
    "LambdaLR": ("optimizer", "lr_lambda"),
    "MultiplicativeLR": ("optimizer", "lr_lambda"),
    "PolynomialLR": ("optimizer", "total_iters", "power"),
    "LinearLR": ("optimizer", "start_factor", "end_factor", "total_iters"),
    "ReduceLROnPlateau": ("optimizer", "mode", "factor", "patience", "threshold"),
    "clip_grad_norm_": ("parameters", "max_norm", "norm_type"),
    "clip_grad_value_": ("parameters", "clip_value"),
    "DataLoader": ("dataset", "batch_size", "shuffle", "sampler"),
}
_ADAM = ("params", "lr", "betas", "eps", "weight_decay")


@dataclass(frozen=True, slots=True)
class Loop:
    """A `for` or `while` statement: names of its targets and its iterable (or condition) as text."""

    place: Place
    targets: tuple[str, ...]
    iterable: str


def file_of(run: Run, name: str) -> File | None:
    """The parsed text of a file, if it was seen and can be parsed."""
    text = run.sources.get(name)
    return parsed(name, text) if text is not None else None


def files_of(run: Run) -> list[File]:
    """All files of the run that can be parsed."""
    return [file for name in run.sources if (file := file_of(run, name)) is not None]


def call_at(run: Run, place: Place) -> list[ast.Call]:
    """Calls on a line, outermost first. A line inside of a call that spans several belongs to it, but calls that begin
    on the line itself come first."""
    file = file_of(run, place.file)
    if file is None:
        return []
    found = [call for call in file.calls if spans(call, place.line)]
    return sorted(found, key=lambda call: (call.lineno != place.line, call.lineno, -(call.end_col_offset or 0)))


def origin(run: Run, place: Place | None, argument: str) -> tuple[Place, ...]:
    """Where the value given to an argument of the call at a place comes from: the literal that an expert would change
    first, then what it passes on its way, then the call itself."""
    if place is None:
        return ()
    file = file_of(run, place.file)
    if file is None:
        return (place,)
    resolver = Resolver(files_of(run))
    for call in call_at(run, place):
        for value, part in _given(file, call, argument, resolver):
            found = _take(resolver.values(file, value, part))
            if found:
                return _places(found, place)
    return distinct([*_handed(run, place, argument), place])


def handed(run: Run, place: Place | None) -> Iterator[tuple[File, ast.Call]]:
    """The constructor of the framework that the call at a place sets going, and those of what it was given."""
    file = file_of(run, place.file) if place is not None else None
    if file is not None and place is not None:
        for call in call_at(run, place)[:2]:
            yield from frameworks.constructors(files_of(run), file, call)


def handed_line(run: Run, place: Place | None, name: str) -> Place | None:
    """The line that hands a class, by itself or by its name, to the framework that the call at a place sets going."""
    return next((place_of(file, call) for file, call in handed(run, place) if frameworks.naming(call, name)), None)


def own_lines(run: Run, graph: Graph, node: Node) -> tuple[Place, ...]:
    """For a call that a framework makes within its loop: the program's own line nearest before it, and the constructor of the
    framework. () for a call of the program's own."""
    if not frameworks.runs_the_loop(run, node.where):
        return ()
    before = (graph.node(at).where for at in sorted(graph.upstream(node), reverse=True))
    own = next((place for place in before if place is not None and not frameworks.runs_the_loop(run, place)), None)
    return distinct([own, *(place_of(*each) for each in [*handed(run, node.where)][:1])])


def _handed(run: Run, place: Place, argument: str) -> tuple[Place, ...]:
    """Where an argument is given to the framework that the call at a place sets going; its constructor where it is not."""
    made = list(handed(run, place))
    for file, call in made:
        value = frameworks.given(call, argument)
        if value is not None and (found := _take(Resolver(files_of(run)).values(file, value))):
            return _places(found, place_of(file, value))
    return tuple(place_of(*each) for each in made[:1])


def traced(run: Run, file: File, expression: ast.expr) -> tuple[Place, ...]:
    """Where the value of an expression comes from, as `origin` does for an argument."""
    found = _take(Resolver(files_of(run)).values(file, expression))
    return _places(found, place_of(file, expression))


def lineage(run: Run, place: Place | None, name: str) -> tuple[Place, ...]:
    """Lines by which the data called `name` at a place came to be: nearest first, on to where they are made. Followed
    are assignments, loops over loaders, data sets and their `__getitem__`, functions and callers, by names alone."""
    file = file_of(run, place.file) if place is not None else None
    if file is None or place is None:
        return ()
    resolver = Resolver(files_of(run), data=True)
    used = (node for node in ast.walk(file.tree) if isinstance(node, ast.Name) and node.id == name)
    node = next((node for node in used if node.lineno == place.line), None)
    for _ in zip(resolver.values(file, node), range(4 * MOST), strict=False):
        pass
    return distinct(place_of(*step) for step in _statements(resolver.visited))


def enclosing_function(run: Run, place: Place) -> Function | None:
    """The innermost function around a line."""
    file = file_of(run, place.file)
    node = _node_at(file, place.line) if file is not None else None
    return file.function_around(node) if file is not None and node is not None else None


def loops_around(run: Run, place: Place) -> tuple[Loop, ...]:
    """The loops around a line within its function, outermost first."""
    file = file_of(run, place.file)
    node = _node_at(file, place.line) if file is not None else None
    if file is None or node is None:
        return ()
    function = file.function_around(node)
    found = [
        around
        for around in (node, *file.ancestors(node))
        if isinstance(around, LOOPS) and file.function_around(around) is function
    ]
    return tuple(_loop(file, each) for each in reversed(found))


def assignments(run: Run, file: str, name: str) -> tuple[Place, ...]:
    """All lines of a file that bind a name, in order."""
    known = file_of(run, file)
    if known is None:
        return ()
    bound = [each.statement for scope in known.names.values() for each in scope.get(name, []) if each.value is not None]
    places = sorted((place_of(known, each) for each in bound), key=lambda at: at.line)
    return distinct(places)


def attribute_assignment(run: Run, class_name: str, attribute: str) -> Place | None:
    """The line `self.attribute = ...` in a class of the user's."""
    for file in files_of(run):
        for target, _ in file.attributes.get(attribute, []):
            owner = file.class_around(target)
            if owner is not None and owner.name == class_name and root(target) == "self":
                return place_of(file, target)
    return None


def settings_of(run: Run, name: str) -> tuple[Place, ...]:
    """Where an entry of a param group is set while training: `group["momentum"] = momentum_at(epoch)`; the origin of
    the value first."""
    found: list[Place] = []
    for file in files_of(run):
        for target, binding in file.keys.get(name, []):
            base = ast.unparse(target.value)
            if binding.value is not None and ("group" in base or "optim" in base or base in ("g", "pg", "p")):
                found += [*traced(run, file, binding.value), place_of(file, target)]
    return distinct(found)


def names_near(run: Run, place: Place) -> tuple[str, ...]:
    """Identifiers and attribute names of the statement on a line (the head of it, for a loop or a function)."""
    file = file_of(run, place.file)
    if file is None:
        return ()
    found = [
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(file.tree)
        if isinstance(node, (ast.Name, ast.Attribute)) and spans(node, place.line)
    ]
    return tuple(dict.fromkeys(found))


# ---- inner steps -------------------------------------------------------------------------------------------------


def _given(
    file: File, call: ast.Call, argument: str, resolver: Resolver
) -> Iterator[tuple[ast.expr, tuple[int | str, ...]]]:
    """Expressions that a call gives to an argument, and which part of them it is: by keyword, by position, in the
    dictionary of a param group, through `**settings` or `functools.partial`."""
    yield from ((each.value, ()) for each in call.keywords if each.arg == argument)
    name = tail(call.func)
    positions = _POSITIONS.get(name, _ADAM if "Adam" in name else ())
    if argument in positions and positions.index(argument) < len(call.args):
        yield call.args[positions.index(argument)], ()
    for part in ast.walk(call):
        if isinstance(part, ast.Dict):
            for key, value in zip(part.keys, part.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == argument:
                    yield value, ()
    yield from ((each.value, (argument,)) for each in call.keywords if each.arg is None)
    for value in _take(resolver.values(file, call.func)):
        if isinstance(value.node, ast.Call) and tail(value.node.func) == "partial":
            yield from ((each.value, ()) for each in value.node.keywords if each.arg == argument)
    if call.args and isinstance(call.args[0], ast.Name):
        yield call.args[0], (ANY, argument)


def _take(values: Iterable[Value]) -> list[Value]:
    return [value for value, _ in zip(values, range(MOST), strict=False)]


def _places(found: list[Value], last: Place) -> tuple[Place, ...]:
    ends = [place_of(value.file, value.node) for value in found[:2]]
    trail = [place_of(*step) for value in found[:1] for step in reversed(value.trail)]
    return distinct([*ends, *trail, last])


def place_of(file: File, node: ast.AST) -> Place:
    """The place at which a node begins."""
    function = file.function_around(node)
    name = getattr(function, "name", "<lambda>") if function is not None else "<module>"
    return Place(file.name, getattr(node, "lineno", 1), name)


def _statements(visited: Iterable[Step]) -> Iterator[Step]:
    for file, node in visited:
        statement = file.statement(node)
        yield file, statement if isinstance(statement, ast.stmt) else node


def _node_at(file: File, line: int) -> ast.stmt | None:
    """The innermost statement on a line."""
    found = [node for node in ast.walk(file.tree) if isinstance(node, ast.stmt) and spans(node, line)]
    return min(found, key=lambda node: (node.end_lineno or node.lineno) - node.lineno, default=None)


def _loop(file: File, node: ast.AST) -> Loop:
    if isinstance(node, (ast.For, ast.AsyncFor)):
        targets = tuple(each.id for each in ast.walk(node.target) if isinstance(each, ast.Name))
        return Loop(place_of(file, node), targets, ast.unparse(node.iter))
    return Loop(place_of(file, node), (), ast.unparse(node.test) if isinstance(node, ast.While) else "")
