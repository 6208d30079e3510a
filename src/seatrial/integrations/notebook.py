"""`%load_ext seatrial`, then `%%seatrial` on a cell that trains: it is run watched, and the report is shown below it.

    %%seatrial
    for x, y in loader:
        ...

or `%seatrial train(model)` on a line that calls what trains.

Models and optimizers may come from earlier cells, but of what was made before a cell is watched the lines are not known: best it
makes them itself. Names that a cell sets are there afterwards, its last expression is shown, and an exception is the
cell's own. A cell that awaits something at its top level is not understood, as with `%%time`.
"""

from __future__ import annotations

import ast
import re
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.getipython import get_ipython
from IPython.core.magic import no_var_expand
from IPython.core.magic_arguments import MagicArgumentParser
from IPython.display import display

from seatrial.config import check_source
from seatrial.errors import UsageProblem

if TYPE_CHECKING:
    from seatrial.practice.monitor import Monitor

FIRST_LINE = "# %%seatrial\n"  # in the place of the magic, so that lines count as they are seen
OPTIONS = r"""(?:\s*(?:--quiet|--out(?:\s+|=)(?:"[^"]*"|'[^']*'|\S+))(?=\s|$))*"""  # before a statement


def magic(line: str, cell: str) -> Any:
    """Run a cell that trains, watched, and show below it what is wrong with it.

    %%seatrial [--out DIR] [--quiet]

    --out DIR  Folder for the record and the report; seatrial-runs/<time>-In-<number> unless given.
    --quiet    Show no report; the files are written all the same.
    """
    __tracebackhide__ = True
    shell: Any = get_ipython()
    given: Any = _parser("%%seatrial").parse_argstring(line)
    number = _number(shell, _frame(shell))
    text = FIRST_LINE + shell.transform_cell(cell)
    name = shell.compile.cache(text, number, raw_code=FIRST_LINE + cell)
    return _run_watched(shell, _compiled(shell, text, name, silent=cell.rstrip().endswith(";")), given, number)


@no_var_expand
def line_magic(line: str) -> Any:
    """Run a statement that trains, watched, and show below it what is wrong with it.

    %seatrial [--out DIR] [--quiet] STATEMENT

    --out DIR  Folder for the record and the report; seatrial-runs/<time>-In-<number> unless given.
    --quiet    Show no report; the files are written all the same.
    """
    __tracebackhide__ = True
    shell: Any = get_ipython()
    options = re.match(OPTIONS, line)
    words, statement = (options[0], line[options.end() :].strip()) if options else ("", line)
    given: Any = _parser("%seatrial").parse_argstring(words if not statement.startswith("-") else line)
    if not statement:
        raise UsageError("seatrial: Expected a statement that trains, as in %seatrial train(model), found none.")
    frame = _frame(shell)
    name, at = (frame.f_code.co_filename, frame.f_lineno) if frame is not None else ("<seatrial>", 1)
    code = _compiled(shell, shell.transform_cell(statement), name, at, silent=statement.endswith(";"))
    return _run_watched(shell, code, given, _number(shell, frame))


def _run_watched(shell: Any, code: tuple[Any, Any], given: Any, number: int) -> Any:
    """Run compiled statements and then an expression in the names of the notebook; returns what the expression gives."""
    __tracebackhide__ = True
    from seatrial.practice.monitor import Monitor

    statements, last = code
    try:
        monitor = Monitor(given.out and given.out.strip("\"'"), quiet=True, name=f"In[{number}]").start()
    except UsageProblem as problem:
        raise UsageError(f"seatrial: {problem}") from None
    try:
        exec(statements, shell.user_ns)
        result = eval(last, shell.user_ns) if last is not None else None
    except BaseException as error:
        monitor.stop(error)
        _show(monitor, given.quiet)
        raise
    monitor.stop()
    _show(monitor, given.quiet)
    return result


def _parser(called: str) -> MagicArgumentParser:
    parser = MagicArgumentParser(called, add_help=False)
    parser.add_argument("--out")
    parser.add_argument("--quiet", action="store_true")
    return parser


def _frame(shell: Any) -> FrameType | None:
    """That of the cell that is running."""
    frame = sys._getframe(1)
    while frame is not None and shell.compile.format_code_name(frame.f_code.co_filename) is None:
        frame = frame.f_back
    return frame


def _number(shell: Any, frame: FrameType | None) -> int:
    """Of the cell that is running, as it is seen: that of the shell may be the next one's already."""
    named = shell.compile.format_code_name(frame.f_code.co_filename) if frame is not None else None
    digits = re.search(r"\d+", named[1]) if named is not None else None
    return int(digits[0]) if digits else shell.execution_count


def _compiled(shell: Any, text: str, name: str, first_line: int = 1, *, silent: bool) -> tuple[Any, Any]:
    """The code of a text, and that of its last expression (None where it ends in something else, or shall be silent)."""
    try:
        check_source(text, "the cell")
    except UsageProblem as problem:
        raise UsageError(f"seatrial: {problem}") from None
    tree = shell.transform_ast(shell.compile.ast_parse(text, name))
    ast.increment_lineno(tree, first_line - 1)
    ends_in_value = tree.body and isinstance(tree.body[-1], ast.Expr) and not silent
    last = tree.body.pop() if ends_in_value else None
    code = shell.compile(tree, name, "exec")
    return code, shell.compile(ast.Expression(last.value), name, "eval") if last is not None else None


def _show(monitor: Monitor, quiet: bool) -> None:
    if not quiet and monitor.outcome is not None:
        display(monitor.outcome)


def load_ipython_extension(shell: Any) -> None:
    """Called by `%load_ext seatrial`."""
    shell.register_magic_function(magic, "cell", "seatrial")
    shell.register_magic_function(line_magic, "line", "seatrial")


def unload_ipython_extension(shell: Any) -> None:
    """Called by `%unload_ext seatrial`."""
    for kind in ("cell", "line"):
        shell.magics_manager.magics[kind].pop("seatrial", None)
