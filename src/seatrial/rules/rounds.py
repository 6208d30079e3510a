"""Loops as their heads name them: rounds of one training (epochs, episodes, batches), or trials that each begin anew."""

from __future__ import annotations

import ast
import re

from seatrial.events import Place
from seatrial.history import Run
from seatrial.rules.lines import (
    LOOPS,
    callers,
    function_at,
    holds,
    inside,
    last_name,
    loop_words,
    loops_around,
    named,
    names_in,
    nodes,
    span,
)
from seatrial.rules.where import distinct

_ROUNDS = re.compile(
    r"epoch|episode|(?<![a-z])(step|steps|iter|iters|iteration|iterations|batch|batches|update|updates|loader|dataloader|"
    r"it|e|ep|game|games|rollout|rollouts|minibatch)(?![a-z])|loader|batch",
    re.IGNORECASE,
)
_TRIALS = re.compile(
    r"fold|seed|trial|member|ensemble|task|client|restart|repeat|config|grid|candidate|(?<![a-z])(lr|lrs|wd|models?|runs?|"
    r"exp|experiments?|hidden|width|depth|arch|kfold|splits?|stage|phase|domain|cycle|learner|learners)(?![a-z])",
    re.IGNORECASE,
)
# What a loop over the layers or parameters of a model runs over.
_PARTS = frozenset(
    ["modules", "children", "named_modules", "named_children", "parameters", "named_parameters", "layers"]
)


def loop_at(run: Run, loop: Place) -> list[ast.AST]:
    found: list[ast.AST] = list(nodes(run, loop.file))
    return list[ast.AST](node for node in found if isinstance(node, LOOPS) and span(node)[0] == loop.line)[:1]


def is_round(run: Run, loops: tuple[Place, ...]) -> bool:
    """Whether the innermost loop is one over epochs, episodes, steps or batches."""
    if not loops:
        return False
    words = _words(run, loops[-1])
    return any(map(_ROUNDS.search, words)) and not any(map(_TRIALS.search, words))


def _words(run: Run, loop: Place) -> set[str]:
    return {word for node in loop_at(run, loop) for word in loop_words(node)}


def round_around(run: Run, place: Place) -> Place | None:
    """The loop over epochs, episodes or batches in which a line is reached, if it is reached unconditionally there."""
    for site in _sites(run, place):
        if _conditional(run, site):
            return None
        loops = [loop for loop in loops_around(run, site) if not _over_parts(loop)]
        if loops:
            loop = Place(site.file, span(loops[-1])[0], site.function)
            return loop if is_round(run, (loop,)) else None
    return None


def _sites(run: Run, place: Place) -> list[Place]:
    """A line and those by which it is reached: calls of its function, and calls that are handed it (`apply(function)`)."""
    function = function_at(run, place)
    handed = [
        named(run, Place(file, node.lineno))
        for file in run.sources
        for node in nodes(run, file)
        if function is not None
        and isinstance(node, ast.Call)
        and any(
            isinstance(given, ast.Name | ast.Attribute) and last_name(given) == function.name for given in node.args
        )
    ]
    return list(
        distinct([place, *callers(run, place), *(site for each in handed for site in (each, *callers(run, each)))])
    )


def _conditional(run: Run, place: Place) -> bool:
    """Whether a condition stands between a line and its loop: other than on what kind of layer it is."""
    function = function_at(run, place)
    loops = loops_around(run, place)
    outer = loops[-1] if loops else function
    conditions = [n for n in nodes(run, place.file) if isinstance(n, ast.If) and holds(n, place)]
    inner = [n for n in conditions if outer is None or inside(n, outer)]
    return any(not {"isinstance", "hasattr", "dim", "ndim"} & names_in(n.test) for n in inner)


def _over_parts(loop: ast.AST) -> bool:
    """Whether a loop runs over the layers or parameters of a model."""
    return bool(loop_words(loop) & _PARTS)
