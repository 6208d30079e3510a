"""Mends of a training loop: gradients cleared, steps made, clippings and schedules at their place."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.report.diffs.questions import (
    binds,
    call_at,
    call_beside,
    calls_in,
    completed,
    equal,
    goes_back,
    is_step,
    optimizer_of,
    steps_it,
    visible,
    whole,
)
from seatrial.report.diffs.sheet import Refused, Sheet, only

# ---- gradients cleared, steps made -----------------------------------------------------------------------------------


def clear(run: Run, finding: Finding) -> Sheet:
    """`optimizer.zero_grad()` before the backward pass that stands beside the step; else behind the step."""
    if called := completed(run, finding, "zero_grad"):
        return called
    sheet, step = call_at(run, finding, "step")
    name = optimizer_of(sheet, step)
    statement = whole(sheet, step)
    block = sheet.block(statement)
    backward = [each for each in block[: block.index(statement)] if goes_back(each)]
    if backward:
        earlier = [each for each in block[: block.index(statement)] if steps_it(each, name)]
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
    sheet, cleared = call_at(run, finding, "zero_grad")
    backward, step = call_beside(sheet, finding, "backward"), call_beside(sheet, finding, "step")
    statement = whole(sheet, cleared)
    block = sheet.block(statement)
    passed, stepped = sheet.in_block(backward, block), sheet.in_block(step, block)
    text = sheet.source(statement)
    several = "backward_passes_a_step" in finding.evidence
    if several and stepped is not sheet.statement(step) and isinstance(stepped, ast.If):
        return sheet.remove(statement).after(whole(sheet, step), text)
    if several or not block.index(passed) < block.index(statement) < block.index(stepped):
        raise Refused
    return sheet.remove(statement).before(passed, text)


def step(run: Run, finding: Finding) -> Sheet:
    """Parentheses where `step` was only named; else a step of the optimizer behind the backward pass (and its clipping)."""
    if called := completed(run, finding, "step"):
        return called
    if any(Sheet.at(run, place).calls(place.line, "step") for place in finding.where):
        raise Refused  # it is there, under a condition that is never true
    sheet, backward = call_at(run, finding, "backward")
    built = only(
        node
        for place in finding.where
        if place.file == sheet.file.name
        for node in sheet.nodes(place.line, ast.Assign)
        if isinstance(node.value, ast.Call) and node.value.args
    )
    target = only(built.targets)
    statement = whole(sheet, backward)
    if not isinstance(target, ast.Name) or not visible(sheet, built, statement):
        raise Refused
    block = sheet.block(statement)
    behind = block[block.index(statement) + 1 :]
    if any(binds(each, target.id) for each in behind):
        raise Refused
    twice = [
        each for at, each in enumerate(behind) if is_step(each) and any(equal(each, other) for other in behind[:at])
    ]
    if twice:
        return sheet.replace(only(twice), f"{target.id}.step()")
    clipped = [each for each in behind if calls_in(each, "clip_grad_norm_", "clip_grad_value_")]
    return sheet.after(clipped[-1] if clipped else statement, f"{target.id}.step()")


def backward(run: Run, finding: Finding) -> Sheet:
    """`loss.backward()` before the step, where one loss is computed beside it and never followed back."""
    if called := completed(run, finding, "backward"):
        return called
    sheet, stepped = call_at(run, finding, "step")
    statement = whole(sheet, stepped)
    block = sheet.block(statement)
    before = block[: block.index(statement)]
    if any(map(goes_back, before)) or finding.evidence.get("steps") != finding.evidence.get("steps_without_backward"):
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
    sheet, call = call_at(run, finding, "backward")
    passes = finding.evidence.get("passes_a_step")
    if not isinstance(call.func, ast.Attribute) or not isinstance(passes, int):
        raise Refused
    return sheet.replace(call.func.value, f"({sheet.source(call.func.value)} / {passes})")


# ---- clipping and scaling --------------------------------------------------------------------------------------------


def clip(run: Run, finding: Finding) -> Sheet:
    """A clipping behind the step moved before it; an iterator that is used up made a list."""
    if finding.evidence.get("tensors") == 0:
        sheet = Sheet.at(run, finding.where[0])
        iterator = only(sheet.calls(finding.where[0].line, "filter"))
        if not isinstance(sheet.file.parents.get(iterator), ast.Assign):
            raise Refused
        return sheet.replace(iterator, f"list({sheet.source(iterator)})")
    sheet, clipped = call_at(run, finding, "clip_grad_norm_", "clip_grad_value_")
    stepped = call_beside(sheet, finding, "step")
    statement, target = whole(sheet, clipped), whole(sheet, stepped)
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
        stepped = call_beside(sheet, finding, "step")
        if len(stepped.args) != 1:
            raise Refused
        statement = whole(sheet, only(clipped))
        return sheet.before(statement, f"{scaler}.unscale_({sheet.source(stepped.args[0])})")
    call = only(sheet.calls(place.line, "step"))
    if not isinstance(call.func, ast.Attribute) or call.args:
        raise Refused
    statement = whole(sheet, call)
    sheet.replace(call, f"{scaler}.step({sheet.source(call.func.value)})")
    if not any(calls_in(each, "update") for each in sheet.block(statement)):
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


# ---- schedules -------------------------------------------------------------------------------------------------------


def schedule(run: Run, finding: Finding) -> Sheet:
    """A schedule's step moved out of the loop over batches, or into it; parentheses where it was only named."""
    if called := completed(run, finding, "step"):
        return called
    sheet, call = call_at(run, finding, "step")
    made, steps = finding.evidence.get("steps_of_the_schedule"), finding.evidence.get("steps_of_the_optimizer")
    if not isinstance(made, int) or not isinstance(steps, int) or not made or call.args or call.keywords:
        raise Refused
    statement = whole(sheet, call)
    text, block = sheet.source(statement), sheet.block(statement)
    if made >= 0.9 * steps and "before the optimizer" not in finding.message:
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
    return [each for each in body if isinstance(each, ast.Expr) and calls_in(each, "step")]
