"""The remedy of a finding as a small diff, where the mend is a mechanical edit of the line that it points at.

A table says which function knows the mend of which finding; each works on the syntax tree of the source as it ran and
refuses what does not have the form that it expects. A diff never decides anything, and nothing is applied to any file.
"""

from __future__ import annotations

import ast
import difflib
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace

from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.report.diffs import loop, network, numbers, state
from seatrial.report.diffs.sheet import Refused, Sheet
from seatrial.report.sources import shown_path

AROUND = 2  # lines of context
UNENDED = "\\ No newline at end of file"  # as a patch marks it
MOST = 24  # lines of a diff: what is longer is no small mend

MENDS: dict[str, Callable[[Run, Finding], Sheet]] = {
    "data.unshuffled-training-data": network.shuffled,
    "data.wrong-axis-layout": network.batch_first,
    "loop.aliased-checkpoint": state.copied,
    "loop.eval-mode-during-training": state.train_mode,
    "loop.gradient-tracking-during-evaluation": state.no_grad,
    "loop.gradients-cleared-before-step": loop.clear_earlier,
    "loop.ineffective-clipping": loop.clip,
    "loop.leaky-freeze": state.frozen,
    "loop.missing-backward": loop.backward,
    "loop.missing-optimizer-step": loop.step,
    "loop.missing-zero-grad": loop.clear,
    "loop.parameters-not-optimised": state.all_parameters,
    "loop.retained-graph": state.detached,
    "loop.scheduler-misplaced": loop.schedule,
    "loop.train-mode-during-evaluation": state.evaluation_mode,
    "loop.unnormalised-accumulation": loop.accumulated,
    "loop.unscaled-half-precision": loop.scaled,
    "loop.unseeded-run": state.seeded,
    "loop.weights-reset": state.kept,
    "model.broadcast-in-loss": network.one_shape,
    "model.detached-graph": network.undetached,
    "model.examples-mixed": network.batch_first,
    "model.missing-nonlinearity": network.apart,
    "model.nll-without-log-softmax": network.logarithms,
    "model.output-activation": network.bare,
    "model.output-size-mismatch": numbers.outputs,
    "model.random-evaluation": network.dropout,
    "model.sigmoid-before-bce-with-logits": network.bare,
    "model.softmax-before-cross-entropy": network.bare,
    "model.softmax-wrong-dimension": network.axis,
    "model.unregistered-parameters": network.registered,
    "model.unstable-numerics": network.stable,
    "optimisation.bad-optimizer-setting": numbers.setting,
    "optimisation.clipping-too-tight": numbers.bound,
    "optimisation.excessive-weight-decay": numbers.decay,
    "optimisation.learning-rate-too-high": numbers.rate,
    "optimisation.learning-rate-too-low": numbers.rate,
}


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a diff. `sign`: "-" goes, "+" comes, " " stays, "@" stands for lines left out. `number`: in the file as it is
    (0 for what is not there)."""

    sign: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines that go, from `first` to before `end` (counted from 1, in the file as it is), and the text that comes instead."""

    first: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Diff:
    """A mend of one file: its path as shown and as the run knows it, the lines as a page shows them, the whole as
    `git apply` takes it, and the same as edits from top to bottom."""

    file: str
    source: str
    lines: tuple[DiffLine, ...]
    patch: str
    edits: tuple[Edit, ...]


def diff_of(finding: Finding, run: Run) -> Diff | None:
    """The mend of a finding as a diff; None where it is no mechanical edit, or the line does not have the expected form."""
    try:
        mended = mended_text(finding, run)
    except Exception:  # a mend that breaks costs its own diff, not the report
        return None
    if mended is None:
        return None
    file, text = mended
    shown = shown_path(file, run)
    before, after = _lines(run.sources[file]), _lines(text)
    patch = list(difflib.unified_diff(before, after, f"a/{shown}", f"b/{shown}", n=AROUND))
    lines = _numbered([line.removesuffix("\n") for line in patch[2:]])
    whole = "".join(line if line.endswith("\n") else f"{line}\n{UNENDED}\n" for line in patch)
    return Diff(shown, file, lines, whole, _edits(before, after)) if len(lines) <= MOST else None


def mended_text(finding: Finding, run: Run) -> tuple[str, str] | None:
    """The file that a finding points at and its whole text once mended; None where there is no such mend."""
    mend = MENDS.get(finding.name)
    if mend is None or not finding.where:
        return None
    try:
        sheet = mend(run, finding)
        text = sheet.text
        ast.parse(text)
    except (Refused, SyntaxError, ValueError, RecursionError):
        return None
    return (sheet.file.name, text) if text != sheet.file.text else None


def _lines(text: str) -> list[str]:
    """Lines with their ends, as git sees them: no other character ends a line."""
    *lines, last = text.split("\n")
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _edits(before: list[str], after: list[str]) -> tuple[Edit, ...]:
    steps = difflib.SequenceMatcher(None, before, after).get_opcodes()
    return tuple(
        Edit(first + 1, end + 1, "".join(after[start:stop]))
        for kind, first, end, start, stop in steps
        if kind != "equal"
    )


def _numbered(patch: list[str]) -> tuple[DiffLine, ...]:
    lines: list[DiffLine] = []
    number = 0
    for line in patch:
        if line.startswith("@@"):
            number = int(line.split()[1].split(",")[0][1:])
            lines += [DiffLine("@", 0, "")] if lines else []
            continue
        sign, text = line[0], line[1:]
        lines.append(DiffLine(sign, 0 if sign == "+" else number, text))
        number += sign != "+"
    while lines and lines[-1].sign == " " and not lines[-1].text.strip():
        lines.pop()
    shown = textwrap.dedent("\n".join(line.text for line in lines if line.sign != "@")).split("\n")
    texts = iter(shown)
    return tuple(line if line.sign == "@" else replace(line, text=next(texts)) for line in lines)
