"""Where a program decides by a score: the best checkpoint, an early stop, the learning rate, a setting, the best of many.

A decision stands in a loop that trains or tries settings, or picks from what such a loop collected. What is compared
within one evaluation (the largest logit, the worst example) decides nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from seatrial.history import Run
from seatrial.rules.naming import part_named
from seatrial.rules.orderings import ORDERS, compared, compared_by, key_of, results_of, takes_an_end
from seatrial.rules.repetitions import Repetitions
from seatrial.rules.scores import Hit, Scores
from seatrial.rules.source import files_of
from seatrial.rules.syntax import COMPREHENSIONS, LOOPS, File, Path, spans, tail
from seatrial.rules.targets import targets

# What a decision is about, in the order in which they are told, and how a message says it.
KINDS = {
    "checkpoint": "which checkpoint is kept",
    "stop": "when training stops",
    "schedule": "the learning rate",
    "setting": "which setting is chosen",
    "best": "which of the scores counts as the result",
}
_KEEPS = re.compile(
    r"^(save|state_dict|deepcopy|dump|copyfile|save_\w+|\w*checkpoint\w*|\w*_save|copy_weights|snapshot)$"
)
_BEST = re.compile(
    r"best|(?<![a-z])(opt|optimal|chosen|champion|winner|top|peak|selected|max|min|highest|lowest)(?![a-z])"
)
_RESULT = re.compile(r"result|final|reported")
_RATE = re.compile(r"(?<![a-z])lrs?(?![a-z])|learning_?rate")
_SCORE = re.compile(
    r"acc|loss|score|f1|err|auc|mae|mse|rmse|ppl|perplex|bleu|metric|iou|dice|r2|precision|recall|correct|mrr|ndcg|map|value|perf"
)
_EXTREMES = frozenset("max min argmax argmin nanmax nanmin nanargmax nanargmin amax amin idxmax idxmin".split())
_TOLD = frozenset("print info debug warning write log echo append format".split())
_UNDECIDED = frozenset(["isnan", "isfinite", "isinf"])
_SEARCHES = frozenset("optimize fmin brute minimize minimize_scalar maximize gp_minimize forest_minimize".split())


@dataclass(frozen=True, slots=True)
class Decision:
    """`kind`: see KINDS; `node` the comparison or call; `hits` the evaluations behind it; `loop` what is chosen among (None:
    not known). `said`: the part of the data that conditions around it name ("test" of `phase == "test"`)."""

    kind: str
    file: File
    node: ast.AST
    hits: tuple[Hit, ...]
    loop: ast.AST | None
    said: str = ""


class Decisions:
    """All decisions of a run that depend on some evaluation."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.scores = Scores(run)
        self.repetitions = Repetitions(run)

    def all(self) -> Iterator[Decision]:
        for file in files_of(self.run):
            for node in ast.walk(file.tree):
                match node:
                    case ast.If() | ast.While() | ast.IfExp():
                        yield from self._guard(file, node)
                    case ast.Call():
                        yield from self._call(file, node)
                    case _:
                        pass

    def _decision(
        self, kind: str, file: File, node: ast.AST, asked: ast.AST, loop: ast.AST | None, path: Path = ()
    ) -> Iterator[Decision]:
        within = self.repetitions.within_evaluation
        found = self.scores.hits(file, asked, path)
        hits = [hit for hit in found if not within(file, node, hit.spot.node, hit.spot.file)]
        if hits:
            yield Decision(kind, file, node, tuple(hits), loop, _part_said(file, node))

    # ---- conditions ----------------------------------------------------------------------------------------------

    def _guard(self, file: File, node: ast.If | ast.While | ast.IfExp) -> Iterator[Decision]:
        """`if acc > best: save`, `if patience is over: break`, `while not stopped`."""
        if any(isinstance(part, ast.Call) and tail(part.func) in _UNDECIDED for part in ast.walk(node.test)):
            return
        if isinstance(node, ast.While):
            kind, loop = "stop", node if self.repetitions.trains(file, node) else None
        else:
            kind = self._consequence(file, node)
            loop = self._repeated(file, node) if kind else None
        if loop is not None:
            for part in _judged(node.test):
                yield from self._decision(kind, file, node.test, part, loop)

    def _repeated(self, file: File, node: ast.AST) -> ast.AST | None:
        """The loop in which a decision comes again: one that trains, or one that tries settings right around it."""
        return self.repetitions.round(file, node) or self.repetitions.training_around(file, node)

    def _consequence(self, file: File, node: ast.If | ast.IfExp) -> str:
        """What a condition is about, by what stands under it."""
        if isinstance(node, ast.IfExp):
            return "best" if _keeps_best(file, node) else ""
        under = [part for statement in (*node.body, *node.orelse) for part in _within(statement)]
        calls = [part for part in under if isinstance(part, ast.Call)]
        if any(_KEEPS.match(tail(call.func)) for call in calls):
            return "checkpoint"
        if any(isinstance(part, ast.Break) for part in under) and self._ends_training(file, node, 1):
            return "stop"
        if any(isinstance(part, ast.Return) for part in under) and self._ends_training(file, node):
            return "stop"
        stored = [target for part in under for target in targets(part)]
        rated = [*(name for name, _ in stored), *(tail(call.func) for call in calls)]
        if any(_RATE.search(name) for name in rated) and not any("best" in name for name in rated):
            return "schedule"
        best = [(name, value) for name, value in stored if _BEST.search(name.lower())]
        if not best:
            return ""
        # More is remembered than the score that was compared.
        compared = {tail(part) for part in ast.walk(node.test) if isinstance(part, (ast.Name, ast.Attribute))}
        others = [name for name, value in best if not _SCORE.search(name.lower()) and tail(value) not in compared]
        counted = [name for name in others if re.search(r"epoch|step|iter|round|time", name.lower())]
        return "setting" if others and not counted else "best"

    def _ends_training(self, file: File, node: ast.AST, loops: int | None = None) -> bool:
        """Whether a `return` under a condition leaves a loop that trains; with `loops` 1, whether a `break` does."""
        function = file.function_around(node)
        own = [
            each for each in file.ancestors(node) if isinstance(each, LOOPS) and file.function_around(each) is function
        ]
        return any(self.repetitions.trains(file, each) for each in own[:loops])

    # ---- calls ---------------------------------------------------------------------------------------------------

    def _call(self, file: File, node: ast.Call) -> Iterator[Decision]:
        name = tail(node.func)
        if name == "step" and (node.args or node.keywords):
            yield from self._schedule(file, node)
        elif name in ("max", "min") and len(node.args) > 1 and isinstance(node.func, ast.Name):
            statement = file.statement(node)
            loop = self._repeated(file, node)
            kept = {name for name, _ in targets(statement)}
            if loop is not None and kept & {tail(argument) for argument in node.args}:
                yield from self._decision("best", file, node, node, loop)
        elif name in _EXTREMES or (name in ORDERS and takes_an_end(file, node)):
            yield from self._extreme(file, node)
        elif name in _SEARCHES:
            yield from self._search(file, node)

    def _schedule(self, file: File, node: ast.Call) -> Iterator[Decision]:
        """`scheduler.step(loss)`, as it was seen to happen."""
        steps = [call.where for call in self.run.calls_of("schedule") if call.where is not None]
        if any(place.file == file.name and spans(node, place.line) for place in steps):
            given = node.args[0] if node.args else node.keywords[0].value
            yield from self._decision("schedule", file, node, given, self._repeated(file, node))

    def _extreme(self, file: File, node: ast.Call) -> Iterator[Decision]:
        """The best of what rounds collected: `max(accs)`, `np.argmax(history["acc"])`, `max(results, key=results.get)`."""
        of = _thresholds(file, node)
        tried = key_of(node) is not None and self.repetitions.is_grid(file, compared(node))
        direct = tail(node.func) not in ORDERS or isinstance(file.parents.get(node), ast.Subscript)
        if not of and not tried and direct and not _is_used(file, node):
            return
        for part, path in compared_by(file, node):
            for decision in self._decision("setting" if of or tried else "best", file, node, part, None, path):
                if tried or (of and all(hit.spot.curve for hit in decision.hits)):
                    yield decision
                elif rounds := [loop for hit in decision.hits if (loop := self._collected(hit)) is not None]:
                    yield replace(decision, loop=rounds[0][1], kind=_chosen(*rounds[0], self.repetitions))

    def _collected(self, hit: Hit) -> tuple[File, ast.AST] | None:
        """The loop that collected the scores, one a round; with its file, or that of the call around which it stands."""
        for file, statement in hit.spot.gathered:
            own = statement if isinstance(statement, COMPREHENSIONS) else None
            if own is not None and (self.repetitions.trains(file, own) or self.repetitions.tries_settings(file, own)):
                return file, own
            loop = self.repetitions.round(file, statement)
            if own is None and loop is not None:
                return file, loop
        return None

    def _search(self, file: File, node: ast.Call) -> Iterator[Decision]:
        """A function that is handed to a search for its smallest or largest value: `study.optimize(objective)`."""
        for given in node.args[:2]:
            for result in results_of(file, given):
                yield from self._decision("setting", file, node, result, None)


def _judged(test: ast.expr) -> Iterator[ast.expr]:
    """The parts of a condition that weigh a value: not whether there is one."""
    match test:
        case ast.BoolOp():
            for part in test.values:
                yield from _judged(part)
        case ast.UnaryOp(op=ast.Not()):
            yield from _judged(test.operand)
        case ast.Compare():
            if all(isinstance(op, (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq)) for op in test.ops):
                yield test
        case _:
            yield test


def _within(statement: ast.AST) -> Iterator[ast.AST]:
    """A statement and what is in it, without functions that are defined there."""
    yield statement
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return
    for child in ast.iter_child_nodes(statement):
        yield from _within(child)


def _part_said(file: File, node: ast.AST) -> str:
    """The part of the data that a condition, or one around it, compares a name with: `if phase == "test" and ...`."""
    function = file.function_around(node)
    tests = [node] + [
        each.test
        for each in file.ancestors(node)
        if isinstance(each, ast.If) and file.function_around(each) is function
    ]
    words = [
        part.value
        for test in tests
        for each in ast.walk(test)
        if isinstance(each, ast.Compare) and isinstance(each.ops[0], ast.Eq)
        for part in each.comparators
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
    return part_named(*words)


def _keeps_best(file: File, node: ast.AST) -> bool:
    return any(_BEST.search(name.lower()) for name, _ in targets(file.statement(node)))


def _is_used(file: File, node: ast.Call) -> bool:
    """Whether the largest or smallest is told, kept as the best, returned or used to pick."""
    parent = file.parents.get(node)
    statement = file.statement(node)
    kept = any(_RESULT.search(name.lower()) for name, _ in targets(statement))
    picked = key_of(node) is not None and isinstance(statement, ast.Assign) and statement.value is node
    if isinstance(statement, ast.Return) or kept or picked or _keeps_best(file, node):
        return True
    if isinstance(parent, ast.Subscript) and (tail(node.func) != "sorted" or isinstance(statement, ast.Assign)):
        return True
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Call) and tail(value.func) in _TOLD


def _thresholds(file: File, node: ast.Call) -> bool:
    """Whether the place of the largest picks a threshold: `thresholds[np.argmax(f1)]`."""
    if "arg" not in tail(node.func) or any(isinstance(part, ast.Compare) for part in ast.walk(node)):
        return False
    statement = file.statement(node)
    names = {name for name, value in targets(statement) if value is node or node in set(ast.walk(value))}
    holder = file.function_around(node) or file.tree
    return any(
        isinstance(part, ast.Subscript)
        and re.search(r"thr|cut", tail(part.value).lower())
        and (node in set(ast.walk(part.slice)) or names & {tail(each) for each in ast.walk(part.slice)})
        for part in ast.walk(holder)
    )


def _chosen(file: File, loop: ast.AST, repetitions: Repetitions) -> str:
    """Whether the rounds whose best is taken are those of one training, or trials of settings."""
    if not repetitions.trains(file, loop) and repetitions.tries_settings(file, loop):
        return "setting"
    names = {name.id for name in ast.walk(getattr(loop, "target", loop)) if isinstance(name, ast.Name)}
    epochs = any(re.search(r"epoch|step|iter|round|^(e|ep|i|t|_)$", name.lower()) for name in names)
    return "best" if epochs or repetitions.independent(loop) else "setting"
