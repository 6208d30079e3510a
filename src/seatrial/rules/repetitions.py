"""What a loop of the user's repeats: training, trials of settings, independent repetitions, or none of these."""

from __future__ import annotations

import ast
import re

from seatrial.history import Run
from seatrial.rules.expressions import bindings
from seatrial.rules.lines import loop_words
from seatrial.rules.source import files_of
from seatrial.rules.syntax import COMPREHENSIONS, LOOPS, File, spans, tail

# Loops over repetitions none of which was chosen by its maker: what differs is chance, the part of the data or the task.
_INDEPENDENT = re.compile(
    r"seed|fold|split|member|ensemble|repeat|repetition|replica|restart|domain|"
    r"(?<![a-z])(rep|reps|runs?|init|inits|tasks?)(?![a-z])",
    re.IGNORECASE,
)
_SETTINGS = re.compile(r"thres|thr(?![a-z])|temperature|alpha|tau|cut_?off|margin|lam(bda)?(?![a-z])", re.IGNORECASE)
_GRIDS = frozenset(["linspace", "logspace", "geomspace", "arange", "product"])
_LOOPS = (*LOOPS, *COMPREHENSIONS)
# So many calls are followed from a line outwards.
DEPTH = 4


class Repetitions:
    """Answers for one run; a loop trains if an optimizer's step was seen in it, or in what it calls."""

    def __init__(self, run: Run) -> None:
        self.files = files_of(run)
        self._lines: dict[str, set[int]] = {}
        # Attacks and saliencies call backward, too: it counts only where no optimizer steps.
        for call in run.calls_of("step") or run.calls_of("backward"):
            if call.where is not None:
                self._lines.setdefault(call.where.file, set()).add(call.where.line)
        self._trainers = self._find_trainers()

    def _find_trainers(self) -> set[str]:
        """Names of functions that train, by themselves or by what they call."""
        found: set[str] = set()
        while True:
            new = {
                name
                for file in self.files
                for name, functions in file.functions.items()
                if name not in found and any(self._trains(file, function, found) for function in functions)
            }
            if not new:
                return found
            found |= new

    def _trains(self, file: File, node: ast.AST, trainers: set[str]) -> bool:
        if any(spans(node, line) for line in self._lines.get(file.name, ())):
            return True
        return any(isinstance(part, ast.Call) and tail(part.func) in trainers for part in ast.walk(node))

    def trains(self, file: File, node: ast.AST) -> bool:
        return self._trains(file, node, self._trainers)

    def loops(self, file: File, node: ast.AST) -> list[tuple[File, ast.AST]]:
        """The loops around a node in its function, innermost first; those around its callers where there are none."""
        return self._loops(file, node, DEPTH)

    def _loops(self, file: File, node: ast.AST, depth: int) -> list[tuple[File, ast.AST]]:
        function = file.function_around(node)
        around = [each for each in file.ancestors(node) if isinstance(each, _LOOPS)]
        own: list[tuple[File, ast.AST]] = [(file, each) for each in around if file.function_around(each) is function]
        name = getattr(function, "name", "")
        if own or not name or not depth:
            return own
        owner = file.class_around(node)
        names = {owner.name, name} if owner is not None and name == "__call__" else {name}
        found: list[tuple[File, ast.AST]] = []
        for other in self.files:
            for call in other.calls:
                if tail(call.func) in names or (name == "__call__" and self._is_object_of(other, call, owner)):
                    found += self._loops(other, call, depth - 1)
        return found

    def _is_object_of(self, file: File, call: ast.Call, owner: ast.ClassDef | None) -> bool:
        """Whether what is called is an object of a class: a name that was given the result of its constructor."""
        made = bindings(file, call.func) if isinstance(call.func, ast.Name) else []
        return owner is not None and any(each.value is not None and tail(each.value) == owner.name for each in made)

    def round(self, file: File, node: ast.AST) -> ast.AST | None:
        """The innermost loop around a node, or around the calls of its function, if it trains or tries settings."""
        loops = self.loops(file, node)
        for other, loop in loops:
            if self.trains(other, loop) or self.tries_settings(other, loop):
                return loop
            if other is file and file.function_around(loop) is file.function_around(node):
                return None
        return None

    def within_evaluation(self, file: File, node: ast.AST, model_call: ast.AST, owner: File) -> bool:
        """Whether a node comes again with each batch or example of one evaluation: in the innermost loop around the call
        of the model (in file `owner`), where that loop neither trains nor tries settings."""
        function = owner.function_around(model_call)
        batches = next((each for each in owner.ancestors(model_call) if isinstance(each, _LOOPS)), None)
        if batches is None or owner.function_around(batches) is not function:
            return False
        if self.trains(owner, batches) or self.tries_settings(owner, batches):
            return False
        return any(loop is batches for _, loop in self.loops(file, node))

    def training_around(self, file: File, node: ast.AST) -> ast.AST | None:
        """The innermost loop that trains around a node, or around the calls of its function."""
        return next((loop for other, loop in self.loops(file, node) if self.trains(other, loop)), None)

    def tries_settings(self, file: File, loop: ast.AST) -> bool:
        """Whether a loop that does not train goes through values of a setting (a grid of numbers, or so named) or through
        saved states of a model."""
        if any(isinstance(part, ast.Call) and tail(part.func) == "load_state_dict" for part in ast.walk(loop)):
            return True
        heads = getattr(loop, "generators", None) or [loop]
        iterables = [head.iter for head in heads if isinstance(head, (ast.For, ast.AsyncFor, ast.comprehension))]
        return any(self.is_grid(file, each) for each in iterables) or any(map(_SETTINGS.search, loop_words(loop)))

    @staticmethod
    def is_grid(file: File, iterable: ast.expr | None) -> bool:
        """Whether a sequence is one of numbers to be tried: `linspace(0, 1, 50)`, `(0.1, 0.5)`, or a name for such."""
        return iterable is not None and any(_is_grid(value) for value in _values(file, iterable))

    @staticmethod
    def independent(loop: ast.AST) -> bool:
        """Whether a loop goes through seeds, folds or members of an ensemble."""
        return any(map(_INDEPENDENT.search, loop_words(loop)))


def _values(file: File, iterable: ast.expr) -> list[ast.expr]:
    if isinstance(iterable, ast.Call) and tail(iterable.func) in ("enumerate", "tqdm", "list", "zip") and iterable.args:
        return [value for part in iterable.args for value in _values(file, part)]
    if isinstance(iterable, ast.Name):
        return [each.value for each in bindings(file, iterable) if each.value is not None and each.kind == "assign"]
    return [iterable]


def _is_grid(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return tail(value.func) in _GRIDS
    if isinstance(value, (ast.List, ast.Tuple)):
        return len(value.elts) > 1 and all(
            isinstance(part, ast.Constant) and isinstance(part.value, float) for part in value.elts
        )
    return False
