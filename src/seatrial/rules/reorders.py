"""Where the user's source puts examples into another order: by random indices, a shuffle, a sort, a shuffling loader."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Place
from seatrial.rules.expressions import bindings
from seatrial.rules.resolved import Step
from seatrial.rules.source import place_of
from seatrial.rules.syntax import File, root, tail

# Calls that give an order of examples, or examples in another order.
_ORDERS = frozenset("permutation permuted randperm argsort lexsort shuffle shuffled".split())
# Calls that, used as an index, pick examples anew.
_PICKS = frozenset("randint integers choice choices randrange multinomial".split())
_SORTS = frozenset("sorted sort_values sort_index train_test_split".split())
# Names are sorted, not examples, where each comes once.
_ONCE = frozenset("set unique keys Counter frozenset fromkeys".split())
# Methods and functions that change a list or an array where it is.
_IN_PLACE = frozenset("shuffle sort reverse permute_in_place".split())
_SEEDS = frozenset("random_state seed".split())
# A generator that is made or seeded here gives the same order each time.
_SEEDED = re.compile(r"seed|default_rng|RandomState|Random\(|Generator|random_state")
DEPTH = 4


@dataclass(frozen=True, slots=True)
class Reorder:
    """`key` is the same where two arrays are put into one and the same order."""

    key: tuple[object, ...]
    place: Place


def reorders(ways: list[Step], flat: bool) -> list[Reorder]:
    """All reorderings on the way of a batch (see `batches.Batches.ways`), nearest to its use first. `flat`: examples are
    single numbers, so that a sort without an axis puts them in order (of inputs it would sort the features)."""
    found: dict[tuple[object, ...], Reorder] = {}
    for file, node in ways:
        for each in _reorders(file, node, flat):
            found.setdefault(each.key, each)
    return list(found.values())


def one_sided(inputs: list[Step], targets: list[Step]) -> tuple[list[Reorder], list[Reorder]]:
    """The reorderings that inputs went through and targets did not, and the other way round."""
    ours, theirs = reorders(inputs, flat=False), reorders(targets, flat=True)
    known, others = {each.key for each in ours}, {each.key for each in theirs}
    anew = {key: found for key in known & others if (found := _drawn_anew(key, inputs, targets)) is not None}
    return (
        [each for each in ours if each.key not in others] + [Reorder(key, ours) for key, (ours, _) in anew.items()],
        [each for each in theirs if each.key not in known]
        + [Reorder(key, theirs) for key, (_, theirs) in anew.items()],
    )


def _drawn_anew(key: tuple[object, ...], inputs: list[Step], targets: list[Step]) -> tuple[Place, Place] | None:
    """The two calls by which one line draws an order for the inputs and another one for the targets: it stands in a
    function that is called for each of them, and no seed is set on the way."""
    for file in {id(file): file for file, _ in inputs}.values():
        for call in file.calls:
            function = file.function_around(call)
            if _key(file, call) == key and isinstance(function, ast.FunctionDef):
                ours, theirs = _call_of(function.name, inputs), _call_of(function.name, targets)
                if ours is None or theirs is None or ours[1] is theirs[1]:
                    return None
                seeded = any(map(_seeded, [*function.body, ours[1], theirs[1]]))
                return None if seeded else (place_of(*ours), place_of(*theirs))
    return None


def _call_of(name: str, ways: list[Step]) -> Step | None:
    """The call of a function that is nearest to the use."""
    return next((step for step in ways if isinstance(step[1], ast.Call) and tail(step[1].func) == name), None)


def _seeded(node: ast.AST) -> bool:
    return bool(_SEEDED.search(ast.unparse(node)))


def _reorders(file: File, node: ast.AST, flat: bool) -> Iterator[Reorder]:
    match node:
        case ast.Subscript():
            key = _order(file, _rows(node.slice), DEPTH)
            if key is not None:
                yield Reorder(key, place_of(file, node))
        case ast.Call():
            if _shuffles(node) or _samples(node) or tail(node.func) in _ORDERS or _sorts(node, flat):
                yield Reorder(_key(file, node), place_of(file, node))
        case ast.Name():
            for call in file.calls:
                if isinstance(file.parents.get(call), ast.Expr) and _changes(call, node.id):
                    same = file.function_around(call) is file.function_around(node)
                    if same and call.lineno <= node.lineno:
                        yield Reorder(_key(file, call), place_of(file, call))
        case _:
            return


def _rows(index: ast.expr) -> ast.expr:
    """The part of an index that picks examples."""
    return index.elts[0] if isinstance(index, ast.Tuple) and index.elts else index


def _order(file: File, index: ast.AST, depth: int) -> tuple[object, ...] | None:
    """What tells the order that an index picks examples in: the call that made it; None where it is no order."""
    match index:
        case ast.Call():
            if tail(index.func) in _ORDERS | _PICKS or _samples(index):
                return _key(file, index)
            parts: list[ast.AST] = [*index.args]
            if isinstance(index.func, ast.Attribute):
                parts.insert(0, index.func.value)
            return next((key for part in parts if (key := _order(file, part, depth - 1)) is not None), None)
        case ast.Name() if depth > 0:
            for binding in bindings(file, index):
                for call in file.calls:
                    if isinstance(file.parents.get(call), ast.Expr) and _changes(call, index.id):
                        return _key(file, call)
                key = _order(file, binding.value, depth - 1) if binding.value is not None else None
                if key is not None:
                    return key
            return None
        case ast.Subscript() | ast.Attribute() | ast.Starred():
            return _order(file, index.value, depth)
        case _:
            return None


def _changes(call: ast.Call, name: str) -> bool:
    """`random.shuffle(name)`, `name.sort()`."""
    if tail(call.func) not in _IN_PLACE:
        return False
    taken = [*call.args[:1], *([call.func.value] if isinstance(call.func, ast.Attribute) else [])]
    return any(isinstance(part, ast.Name) and part.id == name for part in taken)


def _sorts(call: ast.Call, flat: bool) -> bool:
    name = tail(call.func)
    if name == "sort":
        axis = [each.value for each in call.keywords if each.arg in ("axis", "dim")]
        return flat if not axis else isinstance(axis[0], ast.Constant) and axis[0].value == 0
    return name in _SORTS and not any(tail(part) in _ONCE for part in ast.walk(call) if isinstance(part, ast.Call))


def _samples(call: ast.Call) -> bool:
    """`random.sample(rows, k)`, `frame.sample(frac=1)`; not a draw from a distribution."""
    given = {each.arg for each in call.keywords} & {"frac", "n"}
    return tail(call.func) == "sample" and (root(call.func) == "random" or bool(given))


def _shuffles(call: ast.Call) -> bool:
    """`DataLoader(..., shuffle=True)`."""
    return any(
        each.arg == "shuffle" and isinstance(each.value, ast.Constant) and each.value.value is True
        for each in call.keywords
    )


def _key(file: File, call: ast.Call) -> tuple[object, ...]:
    """Calls with the same seed give the same order; others are themselves alone."""
    seeded = [each for each in call.keywords if each.arg in _SEEDS and isinstance(each.value, ast.Constant)]
    made = call.func.value if isinstance(call.func, ast.Attribute) else None
    if seeded:
        return (tail(call.func), ast.unparse(seeded[0].value))
    if isinstance(made, ast.Call) and made.args and isinstance(made.args[0], ast.Constant):
        return (tail(call.func), ast.unparse(made))
    return (file.name, call.lineno, call.col_offset)
