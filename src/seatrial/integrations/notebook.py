"""`%load_ext seatrial`, then `%%seatrial` on a cell that trains: it is run watched, and the report is shown below it.

    %%seatrial
    for x, y in loader:
        ...

Models and optimizers may come from earlier cells, but of what was made before a cell is watched the lines are not known: best it
makes them itself. Names that a cell sets are there afterwards, its last expression is shown, and an exception is the
cell's own. A cell that awaits something at its top level is not understood, as with `%%time`.
"""

from __future__ import annotations

import ast
import re
import sys
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.getipython import get_ipython
from IPython.core.magic_arguments import MagicArgumentParser
from IPython.display import display

from seatrial.config import check_source
from seatrial.errors import UsageProblem

if TYPE_CHECKING:
    from seatrial.practice.monitor import Monitor

FIRST_LINE = "# %%seatrial\n"  # in the place of the magic, so that lines count as they are seen


def magic(line: str, cell: str) -> Any:
    """Run a cell that trains, watched, and show below it what is wrong with it.

    %%seatrial [--out DIR] [--quiet]

    --out DIR  Folder for the record and the report; seatrial-runs/<time>-In-<number> unless given.
    --quiet    Show no report; the files are written all the same.
    """
    __tracebackhide__ = True
    shell: Any = get_ipython()
    given: Any = _parser().parse_argstring(line)
    number = _number(shell)
    code, last = _compiled(shell, cell, number)
    from seatrial.practice.monitor import Monitor

    try:
        monitor = Monitor(given.out, quiet=True, name=f"In[{number}]").start()
    except UsageProblem as problem:
        raise UsageError(f"seatrial: {problem}") from None
    try:
        exec(code, shell.user_ns)
        result = eval(last, shell.user_ns) if last is not None else None
    except BaseException as error:
        monitor.stop(error)
        _show(monitor, given.quiet)
        raise
    monitor.stop()
    _show(monitor, given.quiet)
    return result


def _parser() -> MagicArgumentParser:
    parser = MagicArgumentParser("%%seatrial", add_help=False)
    parser.add_argument("--out")
    parser.add_argument("--quiet", action="store_true")
    return parser


def _number(shell: Any) -> int:
    """Of the cell that is running, as it is seen: that of the shell may be the next one's already."""
    frame = sys._getframe(1)
    while frame is not None:
        named = shell.compile.format_code_name(frame.f_code.co_filename)
        if named is not None and (digits := re.search(r"\d+", named[1])):
            return int(digits[0])
        frame = frame.f_back
    return shell.execution_count


def _compiled(shell: Any, cell: str, number: int) -> tuple[Any, Any]:
    """The code of a cell, and that of its last expression (None where it ends in something else), with the lines that are seen."""
    text = FIRST_LINE + shell.transform_cell(cell)
    name = shell.compile.cache(text, number, raw_code=FIRST_LINE + cell)
    try:
        check_source(text, "the cell")
    except UsageProblem as problem:
        raise UsageError(f"seatrial: {problem}") from None
    tree = shell.transform_ast(shell.compile.ast_parse(text, name))
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    silent = cell.rstrip().endswith(";")
    if last is not None and silent:
        tree.body.append(last)
        last = None
    code = shell.compile(tree, name, "exec")
    return code, shell.compile(ast.Expression(last.value), name, "eval") if last is not None else None


def _show(monitor: Monitor, quiet: bool) -> None:
    if not quiet and monitor.outcome is not None:
        display(monitor.outcome)


def load_ipython_extension(shell: Any) -> None:
    """Called by `%load_ext seatrial`."""
    shell.register_magic_function(magic, "cell", "seatrial")


def unload_ipython_extension(shell: Any) -> None:
    """Called by `%unload_ext seatrial`."""
    shell.magics_manager.magics["cell"].pop("seatrial", None)
