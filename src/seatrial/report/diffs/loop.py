"""Mends of a training loop: calls put in, moved, taken out, completed."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.report.diffs.sheet import Refused, Sheet, only
from seatrial.rules.syntax import FUNCTIONS, SCOPES, root, tail

FIRST = "self"  # the usual name of the object that a method belongs to
MISSPELT = ("require_grad", "require_grads", "requires_grads", "required_grad", "require_gradient", "requires_gradient")


# ---- gradients cleared, steps made -------------------------------------------------------------------------------


def clear(run: Run, finding: Finding) -> Sheet:
    """`optimizer.zero_grad()` before the backward pass that stands beside the step; else behind the step."""
    if called := _called(run, finding, "zero_grad"):
        return called
    sheet, step = _call(run, finding, "step")
    name = optimizer_of(sheet, step)
    statement = _whole(sheet, step)
    block = sheet.block(statement)
    backward = [each for each in block[: block.index(statement)] if _backward(each)]
    if backward:
        earlier = [each for each in block[: block.index(statement)] if _steps(sheet, each, name)]
        after = block.index(earlier[-1]) if earlier else -1
        first = next((each for each in backward if block.index(each) > after), None)
        if first is None:
            raise Refused
        return sheet.before(first, f"{name}.zero_grad()")
    if "steps_without_clearing" not in finding.evidence:  # another network's gradients come before the backward pass
        raise Refused
    return sheet.after(statement, f"{name}.zero_grad()")


def clear_earlier(run: Run, finding: Finding) -> Sheet:
    """`zero_grad()` moved before the backward pass; behind the step where not each pass has one."""
    sheet, cleared = _call(run, finding, "zero_grad")
    backward, step = _same_file(sheet, finding, "backward"), _same_file(sheet, finding, "step")
    statement = _whole(sheet, cleared)
    block = sheet.block(statement)
    passed, stepped = sheet.in_block(backward, block), sheet.in_block(step, block)
    text = sheet.source(statement)
    several = "backward_passes_a_step" in finding.evidence
    if several and stepped is not sheet.statement(step) and isinstance(stepped, ast.If):
        return sheet.remove(statement).after(_whole(sheet, step), text)
    if several or not block.index(passed) < block.index(statement) < block.index(stepped):
        raise Refused
    return sheet.remove(statement).before(passed, text)


def step(run: Run, finding: Finding) -> Sheet:
    """Parentheses where `step` was only named; else a step of the optimizer behind the backward pass (and its clipping)."""
    if called := _called(run, finding, "step"):
        return called
    if any(Sheet.at(run, place).calls(place.line, "step") for place in finding.where):
        raise Refused  # it is there, under a condition that is never true
    sheet, backward = _call(run, finding, "backward")
    built = only(
        node
        for place in finding.where
        if place.file == sheet.file.name
        for node in sheet.nodes(place.line, ast.Assign)
        if isinstance(node.value, ast.Call) and node.value.args
    )
    target = only(built.targets)
    statement = _whole(sheet, backward)
    if not isinstance(target, ast.Name) or not _visible(sheet, built, statement):
        raise Refused
    block = sheet.block(statement)
    behind = block[block.index(statement) + 1 :]
    if any(_writes(each, target.id) for each in behind):
        raise Refused
    twice = [
        each for at, each in enumerate(behind) if _is_step(each) and any(_equal(each, other) for other in behind[:at])
    ]
    if twice:
        return sheet.replace(only(twice), f"{target.id}.step()")
    clipped = [each for each in behind if _called_in(each, "clip_grad_norm_", "clip_grad_value_")]
    return sheet.after(clipped[-1] if clipped else statement, f"{target.id}.step()")


def backward(run: Run, finding: Finding) -> Sheet:
    """`loss.backward()` before the step, where one loss is computed beside it and never followed back."""
    if called := _called(run, finding, "backward"):
        return called
    sheet, stepped = _call(run, finding, "step")
    statement = _whole(sheet, stepped)
    block = sheet.block(statement)
    before = block[: block.index(statement)]
    if any(map(_backward, before)) or finding.evidence.get("steps") != finding.evidence.get("steps_without_backward"):
        raise Refused
    names = {
        target.id
        for each in before
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name) and "loss" in target.id.lower()
    }
    return sheet.before(statement, f"{only(names)}.backward()")


def accumulated(run: Run, finding: Finding) -> Sheet:
    """The loss divided by the number of passes that are added up."""
    sheet, call = _call(run, finding, "backward")
    passes = finding.evidence.get("passes_a_step")
    if not isinstance(call.func, ast.Attribute) or not isinstance(passes, int):
        raise Refused
    return sheet.replace(call.func.value, f"({sheet.source(call.func.value)} / {passes})")


# ---- clipping and scaling ----------------------------------------------------------------------------------------


def clip(run: Run, finding: Finding) -> Sheet:
    """A clipping behind the step moved before it; an iterator that is used up made a list."""
    if finding.evidence.get("tensors") == 0:
        sheet = Sheet.at(run, finding.where[0])
        iterator = only(sheet.calls(finding.where[0].line, "filter"))
        if not isinstance(sheet.file.parents.get(iterator), ast.Assign):
            raise Refused
        return sheet.replace(iterator, f"list({sheet.source(iterator)})")
    sheet, clipped = _call(run, finding, "clip_grad_norm_", "clip_grad_value_")
    stepped = _same_file(sheet, finding, "step")
    statement, target = _whole(sheet, clipped), _whole(sheet, stepped)
    block = sheet.block(statement)
    if target not in block or not block.index(target) < block.index(statement):
        raise Refused
    return sheet.remove(statement).before(target, sheet.source(statement))


def scaled(run: Run, finding: Finding) -> Sheet:
    """Gradients unscaled before they are clipped; the step made by the scaler."""
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    scaler = _scaler(sheet, finding)
    if clipped := sheet.calls(place.line, "clip_grad_norm_", "clip_grad_value_"):
        stepped = _same_file(sheet, finding, "step")
        if len(stepped.args) != 1:
            raise Refused
        statement = _whole(sheet, only(clipped))
        return sheet.before(statement, f"{scaler}.unscale_({sheet.source(stepped.args[0])})")
    call = only(sheet.calls(place.line, "step"))
    if not isinstance(call.func, ast.Attribute) or call.args:
        raise Refused
    statement = _whole(sheet, call)
    sheet.replace(call, f"{scaler}.step({sheet.source(call.func.value)})")
    if not any(_called_in(each, "update") for each in sheet.block(statement)):
        sheet.after(statement, f"{scaler}.update()")
    return sheet


def _scaler(sheet: Sheet, finding: Finding) -> str:
    names = [
        call.func.value
        for place in finding.where
        if place.file == sheet.file.name
        for call in sheet.calls(place.line, "scale")
        if isinstance(call.func, ast.Attribute)
    ]
    return sheet.source(only(names))


# ---- schedules ---------------------------------------------------------------------------------------------------


def schedule(run: Run, finding: Finding) -> Sheet:
    """A schedule's step moved out of the loop over batches, or into it; parentheses where it was only named."""
    if called := _called(run, finding, "step"):
        return called
    sheet, call = _call(run, finding, "step")
    made, steps = finding.evidence.get("steps_of_the_schedule"), finding.evidence.get("steps_of_the_optimizer")
    if not isinstance(made, int) or not isinstance(steps, int) or not made or call.args or call.keywords:
        raise Refused
    statement = _whole(sheet, call)
    text, block = sheet.source(statement), sheet.block(statement)
    if made >= 0.9 * steps and finding.message.find("before the optimizer") < 0:
        inner, _ = _two_loops(sheet, statement)
        if statement not in inner.body:
            raise Refused
        return sheet.remove(statement).after(inner, text)
    if made <= steps / 2:
        loop = only(
            each for each in block[: block.index(statement)] if isinstance(each, ast.For) and _stepping(each.body)
        )
        return sheet.remove(statement).after(only(_stepping(loop.body)), text)
    raise Refused


def _two_loops(sheet: Sheet, statement: ast.stmt) -> tuple[ast.For | ast.While, ast.stmt]:
    inner, outer, *_ = [*sheet.loops(statement), None, None]
    if not isinstance(inner, (ast.For, ast.While)) or outer is None:
        raise Refused
    return inner, outer


def _stepping(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    return [each for each in body if isinstance(each, ast.Expr) and _called_in(each, "step")]


# ---- modes and evaluation ----------------------------------------------------------------------------------------


def train_mode(run: Run, finding: Finding) -> Sheet:
    """`model.train()` before the loop over batches that trains."""
    if called := _called(run, finding, "train"):
        return called
    for place in finding.where:
        sheet = Sheet.at(run, place)
        loops = [each for each in sheet.nodes(place.line, ast.For) if any(map(_backward, each.body))]
        switched = [
            call.func.value
            for other in finding.where
            if other.file == place.file
            for call in sheet.calls(other.line, "eval")
            if isinstance(call.func, ast.Attribute) and not call.args
        ]
        if loops and switched:
            model, loop = only({ast.unparse(each): each for each in switched}.values()), only(loops)
            _same_name(sheet, model, loop)
            return sheet.before(loop, f"{sheet.source(model)}.train()")
    raise Refused


def evaluation_mode(run: Run, finding: Finding) -> Sheet:
    """`model.eval()` at the start of the function that evaluates, and `train()` at its end."""
    place = finding.where[0]
    sheet = Sheet.at(run, place)
    function = next((each for each in sheet.file.ancestors(sheet.statement_at(place.line)) if _plain(each)), None)
    if not isinstance(function, ast.FunctionDef) or function.name == "forward":
        raise Refused
    known = {each.arg for each in [*function.args.posonlyargs, *function.args.args]}
    called = {root(call.func): call.func for call in sheet.nodes(place.line, ast.Call) if root(call.func) in known}
    model = only(name for name, node in called.items() if isinstance(node, ast.Name))
    first = next(each for each in function.body if not _is_text(each))
    last = function.body[-1]
    returns = [node for node in ast.walk(function) if isinstance(node, (ast.Return, ast.Yield, ast.YieldFrom))]
    if any(each is not last for each in returns) or first is last or _called_in(function, "backward", "eval", "train"):
        raise Refused
    if any(isinstance(node, ast.Name) and node.id == model for node in ast.walk(last)):
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
            if _called_in(function, "backward", "step") or any(isinstance(each, ast.Yield) for each in inside):
                raise Refused
            return sheet.before(function, f"@{sheet.imported('torch')}.no_grad()")
    raise Refused


# ---- what is kept, what is drawn anew ----------------------------------------------------------------------------


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
    sheet, call = _call(run, finding, "reset_parameters")
    return sheet.remove(_whole(sheet, call))


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
    if root(given) == module or module not in _assigned_before(sheet, sheet.statement(given)):
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
    return sheet.after(_whole(sheet, call), f"{sheet.imported('numpy')}.random.seed({sheet.source(seed)})")


# ---- questions to the source -------------------------------------------------------------------------------------


def optimizer_of(sheet: Sheet, call: ast.Call) -> str:
    """The optimizer of `optimizer.step()` or `scaler.step(optimizer)`."""
    if len(call.args) == 1 and isinstance(call.args[0], (ast.Name, ast.Attribute)):
        return sheet.source(call.args[0])
    if (
        call.args
        or not isinstance(call.func, ast.Attribute)
        or not isinstance(call.func.value, (ast.Name, ast.Attribute))
    ):
        raise Refused
    return sheet.source(call.func.value)


def _called(run: Run, finding: Finding, method: str) -> Sheet | None:
    """Parentheses behind a method that was only named, where the finding points at such a line."""
    place = finding.where[0] if finding.where else None
    if place is None:
        raise Refused
    sheet = Sheet.at(run, place)
    statement = sheet.statement_at(place.line)
    if (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Attribute)
        and statement.value.attr == method
    ):
        return sheet.replace(statement.value, f"{sheet.source(statement.value)}()")
    return None


def _call(run: Run, finding: Finding, *names: str) -> tuple[Sheet, ast.Call]:
    """The first place of a finding at which one of these is called, once."""
    for place in finding.where:
        sheet = Sheet.at(run, place)
        if found := sheet.calls(place.line, *names):
            return sheet, only(found)
    raise Refused


def _same_file(sheet: Sheet, finding: Finding, *names: str) -> ast.Call:
    lines = dict.fromkeys(place.line for place in finding.where if place.file == sheet.file.name)
    found = [call for line in lines for call in sheet.calls(line, *names)]
    if not found:
        raise Refused
    return found[0]


def _whole(sheet: Sheet, call: ast.Call) -> ast.stmt:
    """The statement that is this call and nothing else."""
    statement = sheet.statement(call)
    if not isinstance(statement, ast.Expr) or statement.value is not call:
        raise Refused
    return statement


def _called_in(node: ast.AST, *names: str) -> bool:
    return any(isinstance(each, ast.Call) and tail(each.func) in names for each in ast.walk(node))


def _backward(statement: ast.stmt) -> bool:
    return _called_in(statement, "backward")


def _steps(sheet: Sheet, statement: ast.stmt, name: str) -> bool:
    found = [each for each in ast.walk(statement) if isinstance(each, ast.Call) and tail(each.func) == "step"]
    return any(
        name in (ast.unparse(each.func), *map(ast.unparse, each.args)) or ast.unparse(each.func) == f"{name}.step"
        for each in found
    )


def _is_step(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and tail(statement.value.func) == "step"
    )


def _equal(one: ast.stmt, other: ast.stmt) -> bool:
    return ast.dump(one) == ast.dump(other)


def _writes(statement: ast.stmt, name: str) -> bool:
    return any(
        isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Store)
        for each in ast.walk(statement)
    )


def _visible(sheet: Sheet, made: ast.stmt, used: ast.stmt) -> bool:
    """Whether a name bound by one statement is seen at another: in the same function, or bound at the top."""
    scope = next((each for each in sheet.file.ancestors(made) if isinstance(each, SCOPES)), None)
    return scope in sheet.file.ancestors(used) and not isinstance(scope, ast.ClassDef)


def _assigned_before(sheet: Sheet, statement: ast.stmt) -> set[str]:
    block = sheet.block(statement)
    return {
        target.id
        for each in block[: block.index(statement)]
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name)
    }


def _same_name(sheet: Sheet, used: ast.expr, there: ast.stmt) -> None:
    """A name must mean the same at another line: `self` in one class, or a name in one function."""
    file = sheet.file
    same = (
        file.class_around(used) is file.class_around(there) and file.class_around(there) is not None
        if root(used) == FIRST
        else file.function_around(used) is file.function_around(there)
    )
    if not same:
        raise Refused


def _plain(node: ast.AST) -> bool:
    return isinstance(node, FUNCTIONS)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
