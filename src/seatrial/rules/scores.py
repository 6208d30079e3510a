"""Which evaluations a value of the user's program is computed from: followed back through the text to the lines on which
evaluation passes were made (see events.EvaluationPass); and what the author calls the data of a pass."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import EvaluationPass
from seatrial.history import Run
from seatrial.rules.backwards import Backwards
from seatrial.rules.calls import agree
from seatrial.rules.expressions import ANY
from seatrial.rules.naming import Vocabulary
from seatrial.rules.source import files_of
from seatrial.rules.spots import Spot
from seatrial.rules.syntax import File, Path, spans

MOST_SPOTS = 1200  # expressions looked at for one question


@dataclass(frozen=True, slots=True)
class Hit:
    """The call of a model that a value comes from, the way to it, and the passes that were made there."""

    spot: Spot
    passes: tuple[EvaluationPass, ...]


class Scores:
    """Answers for one run."""

    def __init__(self, run: Run) -> None:
        self.names = Vocabulary(run.sources.values())
        self.steps = Backwards(files_of(run))
        self._passes: dict[str, list[EvaluationPass]] = {}
        for each in run.passes:
            if each.where is not None:
                self._passes.setdefault(each.where.file, []).append(each)

    def hits(self, file: File, node: ast.AST, path: Path = ()) -> list[Hit]:
        """The evaluations that the value of an expression, or a part of it, depends on."""
        found: list[Hit] = []
        for spot, _ in self._walk(Spot(file, node, path), None):
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
            for spot, said in self._walk(start, each):
                if said and spot.level > best:
                    best, found = spot.level, said
        return found

    # ---- walking -------------------------------------------------------------------------------------------------

    def _walk(self, start: Spot, data_of: EvaluationPass | None) -> Iterator[tuple[Spot, str]]:
        """All expressions behind one, the nearest first, each with the part of the data that it names. `data_of`: names are asked for and end the way within their
        function; callers are those of the pass."""
        todo, seen = deque([start]), set[object]()
        while todo and len(seen) < MOST_SPOTS:
            spot = todo.popleft()
            key = (id(spot.node), spot.path, tuple(id(frame.call) for frame in spot.stack))
            if key in seen:
                continue
            seen.add(key)
            said = self._said(spot, data_of)
            if data_of is None and isinstance(spot.node, ast.Call) and said == "test":
                said = ""  # a score of `test_model` may be one on any data
            spot = spot.named(said)
            yield spot, said
            if data_of is None and isinstance(spot.node, ast.Call) and self._passes_at(spot):
                continue
            for following in self.steps.before(spot, data_of):
                if data_of is None or not said or following.level > spot.level:
                    todo.append(following)

    def _said(self, spot: Spot, data_of: EvaluationPass | None) -> str:
        """The part that an expression names, by its own words or by the keys that it asks for: `splits[self.split]` and,
        where data are asked for, `load(split)`."""
        words = _words(spot.node)
        if isinstance(spot.node, ast.Subscript):
            asked = [] if self.names.part(*words) else [spot.node.slice]
        elif isinstance(spot.node, ast.Call) and data_of is not None:
            given = (*spot.node.args, *(each.value for each in spot.node.keywords))
            asked = [each for each in given if isinstance(each, (ast.Name, ast.Attribute))]
        else:
            asked = []
        keys = [key for node in asked for key in self.steps.key(spot, node, data_of)]
        return self.names.part(*words, *(key for key in keys if isinstance(key, str) and key != ANY))

    def _passes_at(self, spot: Spot) -> tuple[EvaluationPass, ...]:
        """The passes made by a call: it stands on their line, no call within it does, and it is not the user's function."""
        made = [
            each
            for each in self._passes.get(spot.file.name, ())
            if each.where is not None and spans(spot.node, each.where.line) and agree(spot.stack, each)
        ]
        if not made or (isinstance(spot.node, ast.Call) and self.steps.calls.called(spot.file, spot.node)):
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


def _words(node: ast.AST) -> tuple[str, ...]:
    """The names by which an expression says what its data are; of a call those of its arguments, else its own name."""
    match node:
        case ast.Name():
            return (node.id,)
        case ast.Attribute():
            return (node.attr,)
        case ast.Subscript(slice=ast.Constant(value=str() as key)):
            return (key,)
        case ast.Subscript(slice=ast.Name(id=name) | ast.Attribute(attr=name)):  # `x[test_rows]`
            return (name,)
        case ast.Call():
            parts = [*node.args, *(each.value for each in node.keywords)]
            return tuple(
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
        case _:
            return ()
