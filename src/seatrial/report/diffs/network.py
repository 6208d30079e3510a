"""Mends of a network and its data: layers and calls taken out, arguments put right."""

from __future__ import annotations

import ast
from itertools import pairwise

from seatrial.events import Place
from seatrial.findings import Edit, Finding, Mend
from seatrial.history import Run
from seatrial.report.diffs.sheet import Refused, Sheet, only
from seatrial.rules import discover
from seatrial.rules.graph import Graph
from seatrial.rules.syntax import COMPREHENSIONS, FUNCTIONS, LOOPS, tail

# What a rule calls the operation, and the module that does it.
ACTIVATIONS = {
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "sigmoid": "Sigmoid",
    "logsigmoid": "LogSigmoid",
    "relu": "ReLU",
    "tanh": "Tanh",
}
BATCH_FIRST = ("LSTM", "GRU", "RNN", "MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer")
TINY = "1e-8"


# ---- activations -------------------------------------------------------------------------------------------------


def bare(run: Run, finding: Finding) -> Sheet:
    """Scores as they are: the activation at the first place taken out."""
    name = finding.evidence.get("made_by") or finding.evidence.get("activation")
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise Refused
    call = only(sheet.calls(place.line, name, ACTIVATIONS[name]))
    if _often(sheet, call):
        raise Refused
    if tail(call.func) == name:
        return sheet.replace(call, sheet.source(_operand(call)))
    around = sheet.file.parents.get(call)
    if isinstance(around, ast.Call) and around.func is call:  # nn.Softmax(dim=1)(x)
        return sheet.replace(around, sheet.source(only(around.args)))
    return sheet.replace(call, f"{_module(sheet, call)}Identity()")


def logarithms(run: Run, finding: Finding) -> Sheet:
    """Cross-entropy for scores, in the place of the loss that takes log-probabilities; for a softmax its logarithm."""
    if finding.evidence.get("input") != "scores that are no log-probabilities":
        return _logarithmic(run, finding)
    for place in finding.where:
        sheet = Sheet.at(run, place)
        for name, instead in (("nll_loss", "cross_entropy"), ("NLLLoss", "CrossEntropyLoss")):
            if found := sheet.calls(place.line, name):
                function = only(found).func
                if not isinstance(function, ast.Attribute):
                    raise Refused
                return sheet.replace(function, f"{sheet.source(function.value)}.{instead}")
    raise Refused


def _logarithmic(run: Run, finding: Finding) -> Sheet:
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    call = only(sheet.calls(place.line, "softmax", "Softmax"))
    function = call.func
    if not isinstance(function, ast.Attribute) or _often(sheet, call):
        raise Refused
    instead = {"softmax": "log_softmax", "Softmax": "LogSoftmax"}[function.attr]
    return sheet.replace(function, f"{sheet.source(function.value)}.{instead}")


def axis(run: Run, finding: Finding) -> Sheet:
    """The softmax over the axis that what follows needs."""
    edit = _edit(run, finding, "set")
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    call = only(sheet.calls(place.line, "softmax", "log_softmax", "Softmax", "LogSoftmax"))
    given = [each.value for each in call.keywords if each.arg == "dim"]
    if given and not isinstance(edit.value, bool) and isinstance(edit.value, int):
        return sheet.replace(only(given), str(edit.value))
    raise Refused


def stable(run: Run, finding: Finding) -> Sheet:
    """log_softmax for the logarithm of a softmax; a small number inside a square root or a logarithm."""
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    call = only(sheet.calls(place.line, "log", "sqrt"))
    inside = _operand(call)
    if tail(call.func) == "log" and isinstance(inside, ast.Call) and tail(inside.func) == "softmax":
        if not isinstance(inside.func, ast.Attribute):
            raise Refused
        arguments = sheet.source(inside)[len(sheet.source(inside.func)) :]
        return sheet.replace(call, f"{sheet.source(inside.func.value)}.log_softmax{arguments}")
    if finding.evidence.get("argument_min") != 0:
        raise Refused
    closed = isinstance(inside, (ast.Name, ast.Attribute, ast.Call, ast.Subscript))
    text = sheet.source(inside) if closed else f"({sheet.source(inside)})"
    return sheet.replace(inside, f"{text} + {TINY}" if inside in call.args else f"({text} + {TINY})")


def apart(run: Run, finding: Finding) -> Sheet:
    """An activation between two layers that are called one in the other."""
    names = [str(finding.evidence.get(key, "")).partition(" ")[0] for key in ("second", "first")]
    for place in finding.where:
        sheet = Sheet.at(run, place)
        for outer in sheet.calls(place.line, names[0]):
            inner = outer.args[0] if len(outer.args) == 1 else None
            if isinstance(inner, ast.Call) and tail(inner.func) == names[1]:
                return sheet.replace(inner, f"{sheet.imported('torch')}.relu({sheet.source(inner)})")
    return _between(Sheet.at(run, finding.where[0]), finding.where[0].line)


def _between(sheet: Sheet, line: int) -> Sheet:
    """An activation between layers that stand side by side in a Sequential."""
    row = only(sheet.calls(line, "Sequential")).args
    pairs = [(one, other) for one, other in pairwise(row) if _is_layer(one) and _is_layer(other)]
    if not pairs:
        raise Refused
    for one, _ in pairs:
        sheet.replace(one, f"{sheet.source(one)}, {sheet.imported('torch.nn')}.ReLU()")
    return sheet


def _is_layer(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and tail(node.func).startswith(("Linear", "Conv"))


def dropout(run: Run, finding: Finding) -> Sheet:
    """Functional dropout that knows whether its module trains."""
    if finding.evidence.get("operations") != ["dropout"]:
        raise Refused
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    call = only(sheet.calls(place.line, "dropout"))
    function = sheet.file.function_around(call)
    inside = isinstance(function, ast.FunctionDef) and [each.arg for each in function.args.args][:1] == ["self"]
    if not inside or sheet.file.class_around(call) is None or len(call.args) > 2:
        raise Refused
    given = [each.value for each in call.keywords if each.arg == "training"]
    return sheet.replace(given[0], "self.training") if given else sheet.append(call, "training=self.training")


# ---- shapes, layers ----------------------------------------------------------------------------------------------


def one_shape(run: Run, finding: Finding) -> Sheet:
    """One side of a loss in the shape of the other."""
    edit = _edit(run, finding, "reshape")
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    sides = [[each.left, each.right] for each in sheet.nodes(place.line, ast.BinOp) if isinstance(each.op, ast.Sub)]
    if not sides:
        losses = [call for call in sheet.nodes(place.line, ast.Call) if len(call.args) == 2 and _is_loss(call)]
        sides = [list(each.args) for each in losses]
    pair = only(sides)
    if not isinstance(edit.value, int) or edit.value not in (0, 1):
        raise Refused
    side = pair[edit.value]
    shapes = [finding.evidence.get(key) for key in ("target_shape", "prediction_shape")]
    own, other = (ast.literal_eval(each) if isinstance(each, str) else [] for each in shapes)
    closed = isinstance(side, (ast.Name, ast.Attribute, ast.Call, ast.Subscript))
    if not closed or not own or not other:
        raise Refused
    return sheet.replace(side, f"{sheet.source(side)}.{_fitting(own, other)}")


def _fitting(own: list[int], other: list[int]) -> str:
    """What gives a tensor of one shape the other one, where an axis of one element is all that differs."""
    for at in range(max(len(own), len(other))):
        if [*own[:at], 1, *own[at:]] == other:
            return f"unsqueeze({at})"
        if [*other[:at], 1, *other[at:]] == own:
            return f"squeeze({at})"
    raise Refused


def undetached(run: Run, finding: Finding) -> Sheet:
    """No `detach()` on the way."""
    if finding.evidence.get("cut") != ["detach"]:
        raise Refused
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    call = only(sheet.calls(place.line, "detach"))
    if not isinstance(call.func, ast.Attribute) or call.args:
        raise Refused
    return sheet.replace(call, sheet.source(call.func.value))


def registered(run: Run, finding: Finding) -> Sheet:
    """Layers kept where a module finds them."""
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    assigned = only(sheet.nodes(place.line, ast.Assign))
    target = only(assigned.targets)
    kinds = {"ModuleList": (ast.List, ast.ListComp), "ModuleDict": (ast.Dict, ast.DictComp)}
    kind = only(name for name, types in kinds.items() if isinstance(assigned.value, types))
    layers = [call for call in ast.walk(assigned.value) if isinstance(call, ast.Call) and tail(call.func)[:1].isupper()]
    if not isinstance(target, ast.Attribute) or not layers:
        raise Refused
    return sheet.replace(assigned.value, f"{sheet.imported('torch.nn')}.{kind}({sheet.source(assigned.value)})")


def batch_first(run: Run, finding: Finding) -> Sheet:
    """The layer told that examples stand first."""
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    call = only(sheet.calls(place.line, *BATCH_FIRST))
    if any(each.arg in ("batch_first", None) for each in call.keywords) or not isinstance(
        finding.evidence.get("batch_size"), (int, float)
    ):
        raise Refused
    if any(_last_along_first(run, other) for other in finding.where[1:]):
        raise Refused  # what follows reads the answer with the time first, too
    return sheet.append(call, "batch_first=True")


def shuffled(run: Run, finding: Finding) -> Sheet:
    """A loader that shuffles."""
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    call = only(sheet.calls(place.line, "DataLoader"))
    given = {each.arg: each.value for each in call.keywords}
    if len(call.args) > 2 or {"sampler", "batch_sampler", None} & given.keys():
        raise Refused
    if "shuffle" not in given:
        return sheet.append(call, "shuffle=True")
    if isinstance(given["shuffle"], ast.Constant):
        return sheet.replace(given["shuffle"], "True")
    raise Refused


def _last_along_first(run: Run, place: Place) -> bool:
    """Whether the function around a line takes the last entry along a first axis: `out[-1]`."""
    sheet = Sheet.at(run, place)
    function = sheet.file.function_around(sheet.statement_at(place.line))
    parts = ast.walk(function) if function is not None else ()
    return any(isinstance(each, ast.Subscript) and ast.unparse(each.slice) == "-1" for each in parts)


# ---- questions to the source -------------------------------------------------------------------------------------


def _operand(call: ast.Call) -> ast.expr:
    """What a function is applied to: its first argument, or the tensor whose method it is."""
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        if call.func.value.id in ("torch", "F", "nn", "functional", "special"):
            return call.args[0] if call.args else _refuse()
        if call.func.value.id == "self":  # self.softmax(x): a module
            return only(call.args)
    if isinstance(call.func, ast.Name):
        return call.args[0] if call.args else _refuse()
    if isinstance(call.func, ast.Attribute):
        owner = ast.unparse(call.func.value)
        if owner in ("torch.nn.functional", "nn.functional"):
            return call.args[0] if call.args else _refuse()
        if all(isinstance(each, ast.Constant) for each in call.args):
            return call.func.value
    return _refuse()


def _refuse() -> ast.expr:
    raise Refused


def _module(sheet: Sheet, call: ast.Call) -> str:
    return f"{sheet.source(call.func.value)}." if isinstance(call.func, ast.Attribute) else _refuse_name()


def _refuse_name() -> str:
    raise Refused


def _often(sheet: Sheet, call: ast.Call) -> bool:
    """Whether one line makes several layers: in a loop, or in a function of its own."""
    for around in sheet.file.ancestors(call):
        if isinstance(around, (*LOOPS, *COMPREHENSIONS, ast.Lambda)):
            return True
        if isinstance(around, FUNCTIONS):
            return sheet.file.class_around(around) is None and tail(call.func)[:1].isupper()
    return False


def _is_loss(call: ast.Call) -> bool:
    name = tail(call.func).lower()
    return any(word in name for word in ("loss", "criterion", "mse", "l1"))


def _edit(run: Run, finding: Finding, how: str) -> Edit:
    """The one change of the recorded step that mends a finding, as its rule names it."""
    rule = discover().get(finding.name)
    if rule is None or rule.mend is None or not finding.where:
        raise Refused
    for seen in run.training_graphs:
        graph = Graph(seen)
        mend: Mend | None = rule.mend(run, finding, graph)
        if mend is not None:
            edit = only(mend.edits)
            if edit.how != how or graph.node(edit.node).where not in finding.where:
                raise Refused
            return edit
    raise Refused
