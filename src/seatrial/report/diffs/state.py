"""Mends of what a program switches and keeps: modes, gradients in evaluations, states, frozen and forgotten parameters, seeds."""

from __future__ import annotations

import ast

from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.report.diffs.questions import (
    bound_before,
    call_at,
    calls_in,
    completed,
    goes_back,
    is_text,
    same_name,
    serves_training,
    whole,
)
from seatrial.report.diffs.sheet import Refused, Sheet, only
from seatrial.rules.syntax import FUNCTIONS, root, tail

MISSPELT = ("require_grad", "require_grads", "requires_grads", "required_grad", "require_gradient", "requires_gradient")


# ---- modes and evaluation --------------------------------------------------------------------------------------------


def train_mode(run: Run, finding: Finding) -> Sheet:
    """`model.train()` before the loop over batches that trains."""
    if called := completed(run, finding, "train"):
        return called
    for place in finding.where:
        sheet = Sheet.at(run, place)
        loops = [each for each in sheet.nodes(place.line, ast.For) if any(map(goes_back, each.body))]
        switched = [
            call.func.value
            for other in finding.where
            if other.file == place.file
            for call in sheet.calls(other.line, "eval")
            if isinstance(call.func, ast.Attribute) and not call.args
        ]
        if loops and switched:
            model, loop = only({ast.unparse(each): each for each in switched}.values()), only(loops)
            same_name(sheet, model, loop)
            return sheet.before(loop, f"{sheet.source(model)}.train()")
    raise Refused


def evaluation_mode(run: Run, finding: Finding) -> Sheet:
    """`model.eval()` at the start of the function that evaluates, and `train()` at its end."""
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    function = next(
        (each for each in sheet.file.ancestors(sheet.statement_at(place.line)) if isinstance(each, FUNCTIONS)), None
    )
    if not isinstance(function, ast.FunctionDef) or function.name == "forward":
        raise Refused
    known = {each.arg for each in [*function.args.posonlyargs, *function.args.args]}
    called = {root(call.func): call.func for call in sheet.nodes(place.line, ast.Call) if root(call.func) in known}
    model = only(name for name, node in called.items() if isinstance(node, ast.Name))
    first = next((each for each in function.body if not is_text(each)), function.body[-1])
    last = function.body[-1]
    returns = [node for node in ast.walk(function) if isinstance(node, (ast.Return, ast.Yield, ast.YieldFrom))]
    if any(each is not last for each in returns) or first is last or calls_in(function, "eval", "train"):
        raise Refused
    if serves_training(sheet, function) or any(
        isinstance(node, ast.Name) and node.id == model for node in ast.walk(last)
    ):
        raise Refused
    sheet.before(first, f"{model}.eval()")
    return sheet.before(last, f"{model}.train()") if returns else sheet.after(last, f"{model}.train()")


def no_grad(run: Run, finding: Finding) -> Sheet:
    """`@torch.no_grad()` over the function that evaluates."""
    for place in finding.where:
        sheet = Sheet.at(run, place)
        functions = [each for each in sheet.nodes(place.line, ast.FunctionDef) if each.name != "forward"]
        if functions:
            function = only(functions)
            inside = list(ast.walk(function))
            if serves_training(sheet, function) or any(isinstance(each, ast.Yield) for each in inside):
                raise Refused
            return sheet.before(function, f"@{sheet.imported('torch')}.no_grad()")
    raise Refused


# ---- what is kept, what is drawn anew --------------------------------------------------------------------------------


def copied(run: Run, finding: Finding) -> Sheet:
    """A deep copy of a state that is kept."""
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    state = only(sheet.calls(place.line, "state_dict"))
    if not isinstance(sheet.file.parents.get(state), (ast.Assign, ast.AnnAssign, ast.Return, ast.Dict, ast.Tuple)):
        raise Refused
    return sheet.replace(state, f"copy.deepcopy({sheet.source(state)})").import_("copy")


def detached(run: Run, finding: Finding) -> Sheet:
    """What is added to a running sum, or kept in a list, without its graph."""
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    statement = sheet.statement_at(place.line)
    value: ast.expr | None = None
    match statement:
        case ast.AugAssign(op=ast.Add()):
            value = statement.value
        case ast.Assign(targets=[target], value=ast.BinOp(left=left, op=ast.Add(), right=right)):
            value = right if ast.unparse(left) == ast.unparse(target) else None
        case ast.Assign(targets=[ast.Subscript()]):
            value = statement.value
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="append"), args=[ast.expr() as appended])):
            value = appended
        case _:
            pass
    if not isinstance(value, (ast.Name, ast.Attribute)):
        raise Refused
    return sheet.replace(value, f"{sheet.source(value)}.detach()")


def kept(run: Run, finding: Finding) -> Sheet:
    """No `reset_parameters()` within the loop."""
    sheet, call = call_at(run, finding, "reset_parameters")
    return sheet.remove(whole(sheet, call))


def frozen(run: Run, finding: Finding) -> Sheet:
    """`requires_grad` where another name was written."""
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    attribute = only(each for each in sheet.nodes(place.line, ast.Attribute) if each.attr in MISSPELT)
    return sheet.replace(attribute, f"{sheet.source(attribute.value)}.requires_grad")


def all_parameters(run: Run, finding: Finding) -> Sheet:
    """The parameters of a module made beside the optimizer given to it too."""
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    paths = finding.evidence.get("parameters")
    given = only(
        call.args[0] for call in sheet.nodes(place.line, ast.Call) if call.args and tail(call.args[0]) == "parameters"
    )
    if not isinstance(paths, list) or not isinstance(given, ast.Call):
        raise Refused
    if given.args or given.keywords or finding.evidence.get("count") != len(paths):
        raise Refused
    module = only({str(path).partition(".")[0] for path in paths})
    if root(given) == module or module not in bound_before(sheet, sheet.statement(given)):
        raise Refused
    return sheet.replace(given, f"[*{sheet.source(given)}, *{module}.parameters()]")


def seeded(run: Run, finding: Finding) -> Sheet:
    """NumPy seeded where torch is, by the same seed."""
    if finding.evidence.get("generators") != ["numpy"]:
        raise Refused
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    call = only(sheet.calls(place.line, "manual_seed"))
    seed = only(call.args)
    return sheet.after(whole(sheet, call), f"{sheet.imported('numpy')}.random.seed({sheet.source(seed)})")
