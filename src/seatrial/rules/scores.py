"""Which evaluations a value of the user's program is computed from: followed back through the text, call by call.

A value is followed through names, containers, attributes, returns and parameters. A function that was entered through a
call is left through the same call, so that `accuracy(val_scores)` and `accuracy(test_scores)` stay apart. The way ends
where a model is called on a line from which evaluation passes were made (see events.EvaluationPass).
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from seatrial.events import EvaluationPass
from seatrial.history import Run
from seatrial.rules.expressions import ANY, argument_of, bindings, counts, index, returned
from seatrial.rules.gathering import class_of, gatherings, rest_of, scope_of
from seatrial.rules.naming import part_named
from seatrial.rules.source import files_of
from seatrial.rules.syntax import LOOPS, Binding, File, Function, Path, default_of, spans, tail

MOST_SPOTS = 1200  # expressions looked at for one question
# A pass keeps so many callers: further ones are not known.
KNOWN_CALLERS = 5
_MODULES = frozenset("torch np numpy nn F math random os sys pd plt sklearn scipy optim self cls time json".split())
# Calls whose result has the parts of their first argument.
_KEEPING = frozenset("list tuple dict sorted reversed copy deepcopy array asarray tensor stack iter next items".split())
_CURVES = frozenset(["roc_curve", "precision_recall_curve", "det_curve"])


@dataclass(frozen=True, slots=True)
class Frame:
    """A call by which the way went into a function."""

    function: Function
    file: File
    call: ast.Call
    method: bool


@dataclass(frozen=True, slots=True)
class Spot:
    """An expression on the way.

    stack     calls through which the way has gone into functions, outermost first
    label     what the first name in the frame of the question (or, after it was left for a caller, in the caller's) says
              of the data; `inner` what names elsewhere say
    level     how often a function was left
    gathered  statements by which values were collected into a container on the way
    given     calls by which the value was handed to the function that asks
    curve     the way went through a curve over all thresholds"""

    file: File
    node: ast.AST
    path: Path = ()
    stack: tuple[Frame, ...] = ()
    label: str = ""
    inner: str = ""
    level: int = 0
    gathered: tuple[tuple[File, ast.AST], ...] = ()
    given: tuple[tuple[File, ast.AST], ...] = ()
    curve: bool = False

    def to(self, node: ast.AST, path: Path = ()) -> Spot:
        return replace(self, node=node, path=path)

    def named(self, part: str) -> Spot:
        """With what a name says, unless an earlier one said something."""
        if not part or self.label:
            return self
        if self.stack:
            return replace(self, inner=self.inner or part)
        return replace(self, label=part)


@dataclass(frozen=True, slots=True)
class Hit:
    """The call of a model that a value comes from, the way to it, and the passes that were made there."""

    spot: Spot
    passes: tuple[EvaluationPass, ...]


class Scores:
    """Answers for one run."""

    def __init__(self, run: Run) -> None:
        self.files = files_of(run)
        self._passes: dict[str, list[EvaluationPass]] = {}
        for each in run.passes:
            if each.where is not None:
                self._passes.setdefault(each.where.file, []).append(each)

    def hits(self, file: File, node: ast.AST) -> list[Hit]:
        """The evaluations that the value of an expression depends on."""
        found: list[Hit] = []
        for spot in self._walk(Spot(file, node), None):
            if isinstance(spot.node, ast.Call) and (passes := self._passes_at(spot)):
                found.append(Hit(spot, passes))
        return found

    def part(self, hit: Hit, each: EvaluationPass) -> str:
        """What the author calls the data of a pass: the names by which they come to the model; those where they are made
        count more than those of a function's parameters, which may serve for any."""
        best, found = -1, ""
        call = hit.spot.node
        given = [*call.args, *(one.value for one in call.keywords)] if isinstance(call, ast.Call) else []
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            given.append(call.func.value)
        for argument in given:
            start = Spot(hit.spot.file, argument, (), hit.spot.stack)
            for spot in self._walk(start, each):
                said = part_named(*_words(spot.node))
                if said and spot.level > best:
                    best, found = spot.level, said
        return found

    # ---- walking -------------------------------------------------------------------------------------------------

    def _walk(self, start: Spot, data_of: EvaluationPass | None) -> Iterator[Spot]:
        """All expressions behind one, the nearest first. `data_of`: names are asked for and end the way within their
        function; callers are those of the pass."""
        todo, seen = deque([start]), set[object]()
        while todo and len(seen) < MOST_SPOTS:
            spot = todo.popleft()
            key = (id(spot.node), spot.path, tuple(id(frame.call) for frame in spot.stack))
            if key in seen:
                continue
            seen.add(key)
            said = part_named(*_words(spot.node))
            spot = spot.named(said)
            yield spot
            if data_of is None and isinstance(spot.node, ast.Call) and self._passes_at(spot):
                continue
            for following in self._next(spot, data_of):
                if data_of is None or not said or following.level > spot.level:
                    todo.append(following)

    def _passes_at(self, spot: Spot) -> tuple[EvaluationPass, ...]:
        """The passes made by a call: it stands on their line, no call within it does, and it is not the user's function."""
        made = [
            each
            for each in self._passes.get(spot.file.name, ())
            if each.where is not None and spans(spot.node, each.where.line) and _agree(spot.stack, each)
        ]
        if not made or (isinstance(spot.node, ast.Call) and self._called(spot.file, spot.node)):
            return ()
        lines = {each.where.line for each in made if each.where is not None}
        inner = {
            line
            for part in ast.walk(spot.node)
            if isinstance(part, ast.Call) and part is not spot.node
            for line in lines
            if spans(part, line)
        }
        own = lines - inner
        return tuple(each for each in made if each.where is not None and each.where.line in own)

    def _next(self, spot: Spot, data_of: EvaluationPass | None) -> Iterator[Spot]:
        node, path = spot.node, spot.path
        match node:
            case ast.Name():
                if node.id not in _MODULES:
                    yield from self._name(spot, node, data_of)
            case ast.Attribute():
                yield from self._attribute(spot, node)
            case ast.Subscript():
                yield spot.to(node.value, (*index(node.slice), *path))
            case ast.Call():
                yield from self._call(spot, node)
            case ast.Dict():
                for key, value in zip(node.keys, node.values, strict=True):
                    other = isinstance(key, ast.Constant) and path[:1] not in ((), (ANY,), (key.value,))
                    if not other:
                        yield spot.to(value, path[1:])
            case ast.List() | ast.Tuple() | ast.Set():
                at = path[0] if path else ANY
                exact = isinstance(at, int) and -len(node.elts) <= at < len(node.elts)
                for part in [node.elts[at]] if exact and isinstance(at, int) else node.elts:
                    yield spot.to(part, path[1:])
            case ast.ListComp() | ast.GeneratorExp() | ast.SetComp() | ast.DictComp():
                inside = replace(spot, gathered=(*spot.gathered, (spot.file, node)))
                yield inside.to(node.value if isinstance(node, ast.DictComp) else node.elt, path[1:])
            case ast.IfExp():
                yield spot.to(node.body, path)
                yield spot.to(node.orelse, path)
                yield spot.to(node.test)
            case ast.Starred() | ast.Await() | ast.NamedExpr():
                yield spot.to(node.value, path)
            case _:
                for part in ast.iter_child_nodes(node):
                    if isinstance(part, (ast.expr, ast.FormattedValue)):
                        yield spot.to(part)

    # ---- names ---------------------------------------------------------------------------------------------------

    def _name(self, spot: Spot, node: ast.Name, data_of: EvaluationPass | None) -> Iterator[Spot]:
        for binding in _reaching(spot.file, node):
            yield from self._binding(spot, binding, data_of)
        scope = scope_of(spot.file, node)
        for each in gatherings(spot.file).get(node.id, ()):
            rest = rest_of(each.path, spot.path)
            if rest is not None and scope_of(spot.file, each.name) is scope:
                inside = replace(spot, gathered=(*spot.gathered, (spot.file, each.statement)))
                yield from (inside.to(value, rest) for value in each.values)

    def _binding(self, spot: Spot, binding: Binding, data_of: EvaluationPass | None = None) -> Iterator[Spot]:
        if binding.kind == "parameter" and isinstance(binding.statement, ast.arg):
            yield from self._parameter(spot, binding.statement, data_of)
        elif binding.kind == "import":
            yield from self._imported(spot, binding)
        elif binding.value is None or (binding.kind == "loop" and counts(binding.value)):
            return
        else:
            part: Path = (ANY,) if binding.kind == "loop" else ()
            yield spot.to(binding.value, (*part, *binding.path, *spot.path))
            if isinstance(binding.value, ast.Constant):  # a flag or a counter: what decides is the condition
                yield from (spot.to(test) for test in _conditions(spot.file, binding.statement))

    def _imported(self, spot: Spot, binding: Binding) -> Iterator[Spot]:
        module, name = str(binding.path[0]), str(binding.path[1])
        for other in self.files:
            if other.name.replace("\\", "/").removesuffix(".py").endswith("/" + module.replace(".", "/")):
                for found in other.names[other.tree].get(name, []):
                    if found.value is not None:
                        yield replace(spot, file=other, node=found.value)

    def _parameter(self, spot: Spot, argument: ast.arg, data_of: EvaluationPass | None) -> Iterator[Spot]:
        file, function = spot.file, spot.file.function_around(argument)
        if function is None:
            return
        if isinstance(function, ast.Lambda) and isinstance(file.parents.get(function), ast.keyword):
            call = file.parents.get(file.parents[function])
            if isinstance(call, ast.Call) and call.args:  # `max(results, key=lambda each: each.score)`
                yield spot.to(call.args[0], (ANY, *spot.path))
            return
        for depth, frame in reversed(list(enumerate(spot.stack))):
            if frame.function is function:
                given = _given(frame.call, function, argument.arg, frame.method)
                if given is not None:
                    level = spot.level + (data_of is not None)
                    yield replace(spot, file=frame.file, node=given, stack=spot.stack[:depth], level=level)
                return
        found = False
        for other, call, method in _callers_of(data_of, list(self._callers(file, function))):
            given = _given(call, function, argument.arg, method)
            if given is not None:
                found = True
                inner = spot.inner or spot.label
                via = (*spot.given, (other, call))
                moved = replace(spot, file=other, node=given, stack=(), label="", inner=inner, given=via)
                yield replace(moved, level=spot.level + 1)
        default = default_of(function, argument.arg)
        if not found and default is not None:
            yield spot.to(default, spot.path)

    def _callers(self, file: File, function: Function) -> Iterator[tuple[File, ast.Call, bool]]:
        owner = file.class_around(function)
        name = getattr(function, "name", "")
        method = owner is not None and file.parents.get(function) is owner
        for other in self.files:
            for call in other.calls:
                if tail(call.func) == name and name != "forward":
                    yield other, call, method
                elif method and owner is not None and name in ("__init__", "__call__"):
                    constructs = tail(call.func) == owner.name
                    if constructs if name == "__init__" else owner.name in self._instance(other, call):
                        yield other, call, True

    # ---- attributes ----------------------------------------------------------------------------------------------

    def _attribute(self, spot: Spot, node: ast.Attribute) -> Iterator[Spot]:
        own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        around = class_of(spot.file, node) if own else None
        if not own:
            yield spot.to(node.value, (node.attr, *spot.path))
        if isinstance(node.value, ast.Name) and node.value.id in _MODULES - {"self", "cls"}:
            return
        for other in [spot.file] if own else self.files:
            free = replace(spot, file=other, stack=() if not own else spot.stack)
            for target, binding in other.attributes.get(node.attr, []):
                if target is not node and (not own or class_of(other, target) is around):
                    yield from self._binding(free, binding)
            for each in gatherings(other).get("self", ()):
                rest = rest_of(each.path, (node.attr, *spot.path))
                if (
                    each.path[:1] == (node.attr,)
                    and rest is not None
                    and (not own or class_of(other, each.name) is around)
                ):
                    inside = replace(free, gathered=(*spot.gathered, (other, each.statement)))
                    yield from (inside.to(value, rest) for value in each.values)
            for function in other.functions.get(node.attr, []):  # a property
                if class_of(other, function) is not None and (not own or class_of(other, function) is around):
                    yield from (free.to(result, spot.path) for result in returned(other, function))

    # ---- calls ---------------------------------------------------------------------------------------------------

    def _call(self, spot: Spot, node: ast.Call) -> Iterator[Spot]:
        name, path = tail(node.func), spot.path
        called = self._called(spot.file, node)
        for other, function, method in called:
            frame = Frame(function, spot.file, node, method)
            if any(each.function is function for each in spot.stack):
                continue
            for result in returned(other, function):
                yield replace(spot, file=other, node=result, stack=(*spot.stack, frame))
        if called:
            return
        named = next((each.value for each in node.keywords if path and each.arg == path[0]), None)
        if named is not None:
            yield spot.to(named, path[1:])
        elif name == "enumerate" and node.args:
            yield spot.to(node.args[0], (ANY, *path[2:]) if path[1:2] == (1,) else ())
        elif name == "zip" and len(path) > 1 and isinstance(path[1], int) and path[1] < len(node.args):
            yield spot.to(node.args[path[1]], (ANY, *path[2:]))
        elif name == "items" and isinstance(node.func, ast.Attribute):
            yield spot.to(node.func.value, (ANY, *path[2:]) if path[1:2] == (1,) else ())
        elif name in ("get", "values") and isinstance(node.func, ast.Attribute):
            key = index(node.args[0]) if name == "get" and node.args else ()
            yield spot.to(node.func.value, (*key, *path))
        elif name == "DataFrame" and node.args:
            yield spot.to(node.args[0], (ANY, *path) if path else ())
            yield spot.to(node.args[0], path)
        else:
            yield from self._unknown(replace(spot, curve=spot.curve or name in _CURVES), node, name)

    def _unknown(self, spot: Spot, node: ast.Call, name: str) -> Iterator[Spot]:
        """A call of a library's function: its result comes from all that it is given."""
        path = spot.path if name in _KEEPING else ()
        for part in (*node.args, *(each.value for each in node.keywords)):
            yield spot.to(part, path)
        if isinstance(node.func, ast.Attribute) and tail(node.func.value) not in _MODULES - {"self", "cls"}:
            yield spot.to(node.func.value, path)

    def _called(self, file: File, call: ast.Call) -> list[tuple[File, Function, bool]]:
        """The user's functions that a call may run; the flag says whether the first parameter is the object."""
        name = tail(call.func)
        found = [
            (other, function, _is_method(other, function))
            for other in self.files
            for function in other.functions.get(name, [])
        ]
        if isinstance(call.func, ast.Name):
            found = [each for each in found if not each[2]]
        for owner in self._instance(file, call) if not found else ():
            for other in self.files:
                for function in other.functions.get("__call__", []):
                    around = class_of(other, function)
                    if isinstance(around, ast.ClassDef) and around.name == owner:
                        found.append((other, function, True))
        return found

    def _instance(self, file: File, call: ast.Call) -> set[str]:
        """The user's classes whose object is called: `stopper(loss)` after `stopper = EarlyStopping()`."""
        values: list[ast.expr | None] = []
        if isinstance(call.func, ast.Name):
            values = [each.value for each in bindings(file, call.func)]
        elif isinstance(call.func, ast.Attribute):
            values = [each.value for _, each in file.attributes.get(call.func.attr, [])]
        made = {tail(value) for value in values if isinstance(value, ast.Call)}
        return {name for name in made if any(name in other.classes for other in self.files)}


def _is_method(file: File, function: Function) -> bool:
    return isinstance(file.parents.get(function), ast.ClassDef)


def _given(call: ast.Call, function: Function, name: str, method: bool) -> ast.expr | None:
    given = argument_of(call, function, name, method)
    return given.value if isinstance(given, ast.keyword) else given


def _words(node: ast.AST) -> tuple[str, ...]:
    """The names by which an expression says what its data are; of a call those of its arguments, else its own name."""
    match node:
        case ast.Name():
            return (node.id,)
        case ast.Attribute():
            return (node.attr,)
        case ast.Subscript(slice=ast.Constant(value=str() as key)):
            return (key,)
        case ast.Call():
            parts = [*node.args, *(each.value for each in node.keywords)]
            names = tuple(
                part.attr
                if isinstance(part, ast.Attribute)
                else part.id
                if isinstance(part, ast.Name)
                else str(part.value)
                for argument in parts
                for part in ast.walk(argument)
                if isinstance(part, (ast.Name, ast.Attribute))
                or (isinstance(part, ast.Constant) and isinstance(part.value, str) and len(part.value) < 20)
            )
            return names if part_named(*names) else ()
        case _:
            return ()


def _reaching(file: File, node: ast.Name) -> list[Binding]:
    """What a name may stand for, also what it was given later in a loop that comes round again."""
    found = bindings(file, node)
    loops = [each for each in file.ancestors(node) if isinstance(each, LOOPS)]
    scope = scope_of(file, node)
    if not loops or scope is None:
        return found
    known = file.names[scope].get(node.id, [])
    for loop in loops:
        fixed = [
            each for each in found if each.statement in set(ast.walk(loop)) and not _conditions(file, each.statement)
        ]
        if fixed:
            return found
        found += [each for each in known if each not in found and each.statement in set(ast.walk(loop))]
    return found


def _conditions(file: File, statement: ast.AST) -> list[ast.expr]:
    """The tests of the `if` statements around a statement, within its function."""
    function = file.function_around(statement)
    return [
        each.test
        for each in file.ancestors(statement)
        if isinstance(each, ast.If) and file.function_around(each) is function
    ]


def _agree(stack: tuple[Frame, ...], each: EvaluationPass) -> bool:
    """Whether a pass was made through the calls of a stack, as far as its callers are known."""
    if not each.callers or len(each.callers) >= KNOWN_CALLERS:
        return True
    return all(_is_caller(frame.file, frame.call, each) for frame in stack)


def _callers_of(
    each: EvaluationPass | None, calls: list[tuple[File, ast.Call, bool]]
) -> list[tuple[File, ast.Call, bool]]:
    """Those of some calls through which a pass was made; all of them where that is not known."""
    if each is None:
        return calls
    own = [call for call in calls if _is_caller(call[0], call[1], each)]
    return calls if not own and len(each.callers) >= KNOWN_CALLERS else own


def _is_caller(file: File, call: ast.Call, each: EvaluationPass) -> bool:
    if not each.callers:
        return True
    return any(place.file == file.name and spans(call, place.line) for place in each.callers)
