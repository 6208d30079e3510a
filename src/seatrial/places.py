"""Where in the user's own code are we? Frames of torch, of installed packages and of Python itself are passed over.

A cell of a notebook is the user's, and its file is called as its person sees it: In[3]."""

from __future__ import annotations

import ast
import linecache
import os
import site
import sys
import sysconfig
from functools import cache
from itertools import islice
from types import CodeType, FrameType

from seatrial.events import Place

_OWN_FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
_FOREIGN = tuple(
    {
        os.path.join(path, "")
        for key in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
        if (path := sysconfig.get_paths().get(key))
    }
    | {os.path.join(path, "") for path in (*site.getsitepackages(), site.getusersitepackages())}
)
# Also where another interpreter's packages were put on the path.
_PACKAGES = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))
_is_users: dict[str, bool] = {}
_absolute: dict[str, str] = {}
_cells: set[str] = set()  # as they are called
_places: dict[tuple[str, int, str], Place] = {}
# Code objects are kept alive here, so that an id stands for one of them: not for more than a program has lines.
MOST_INSTRUCTIONS = 20_000
_at_instruction: dict[tuple[int, int], tuple[CodeType, Place]] = {}


def is_users(file: str) -> bool:
    """Whether a code object's file name is the user's own code."""
    known = _is_users.get(file)
    if known is None:
        cell = file if file in _cells else _cell(file)
        if cell is not None:
            known = _is_users[file] = bool(cell)
            _absolute[file] = cell
            return known
        path = os.path.abspath(file)
        known = not file.startswith("<") and not _is_installed(path)
        _is_users[file] = known
        _absolute[file] = path
    return known


def called(file: str) -> str:
    """What a code object's file of the user's is called: its absolute path, or the cell as its person sees it."""
    return _absolute[file] if is_users(file) else file


def _is_installed(path: str) -> bool:
    return path.startswith((_OWN_FOLDER, *_FOREIGN)) or any(each in path for each in _PACKAGES)


def _cell(file: str) -> str | None:
    """What IPython calls the cell that a code object's file name stands for: "In[3]"; "" for a cell that does nothing but hand
    its text to a magic, which runs it as a cell of its own; None for what is no cell."""
    ipython = sys.modules.get("IPython")
    shell = getattr(ipython, "get_ipython", lambda: None)()
    naming = getattr(getattr(shell, "compile", None), "format_code_name", None)
    named = naming(file) if naming is not None else None
    if named is None or file not in linecache.cache:
        return None
    if linecache.getline(file, 1).startswith("get_ipython().run_cell_magic("):
        return ""
    linecache.cache[named[1]] = linecache.cache[file]  # so that its lines are found by that name too
    _cells.add(named[1])
    return named[1]


def user_frame(frame: FrameType | None) -> FrameType | None:
    """The nearest frame, from `frame` outwards, that is user code."""
    while frame is not None:
        known = _is_users.get(frame.f_code.co_filename)
        if known or (known is None and is_users(frame.f_code.co_filename)):
            return frame
        frame = frame.f_back
    return None


def place_of(frame: FrameType | None) -> Place | None:
    """The place at which the nearest user frame stands; equal places are the same object."""
    frame = user_frame(frame)
    if frame is None:
        return None
    code = frame.f_code
    at = (id(code), frame.f_lasti)  # a line number is slow to find out
    known = _at_instruction.get(at)
    if known is not None and known[0] is code:
        return known[1]
    key = (code.co_filename, frame.f_lineno, code.co_name)
    place = _places.get(key)
    if place is None:
        place = _places[key] = Place(_absolute[key[0]], key[1], key[2])
    if len(_at_instruction) < MOST_INSTRUCTIONS:
        _at_instruction[at] = (code, place)
    return place


def here() -> Place | None:
    """The user's line from which the caller was reached."""
    return place_of(sys._getframe(1))


def segment(frame: FrameType | None) -> str:
    """The source text of the call at which a frame stands, if it stands on one line ("" otherwise)."""
    if frame is None or frame.f_lasti < 0:
        return ""
    at = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), None)
    if at is None or at[0] is None or at[0] != at[1] or at[2] is None or at[3] is None:
        return ""
    line = linecache.getline(frame.f_code.co_filename, at[0]).encode()
    return line[at[2] : at[3]].decode(errors="replace")


def loops_around(places: tuple[Place, ...]) -> tuple[Place, ...]:
    """The `for` and `while` lines around places on a stack (innermost first); the outermost loop first."""
    found: list[Place] = []
    for place in places:
        around = [
            Place(place.file, node.lineno, place.function)
            for node in _loops(place.file)
            if node.lineno < place.line <= (node.end_lineno or node.lineno) and _same_function(place, node)
        ]
        found = around + found
    return tuple(found)


@cache
def _loops(file: str) -> list[ast.For | ast.AsyncFor | ast.While]:
    """All loop statements of a file, outermost first."""
    return [node for node in ast.walk(_tree(file)) if isinstance(node, (ast.For, ast.AsyncFor, ast.While))]


@cache
def _functions(file: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    return [node for node in ast.walk(_tree(file)) if isinstance(node, kinds)]


@cache
def _tree(file: str) -> ast.Module:
    try:
        return ast.parse(_source(file))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _source(file: str) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as source:
            return source.read()
    except OSError:  # a cell of a notebook is in no file
        return "".join(linecache.getlines(file))


def _same_function(place: Place, loop: ast.stmt) -> bool:
    """Whether no function is defined between a loop and the place: a body runs when called, not where it stands."""
    between = [
        function
        for function in _functions(place.file)
        if loop.lineno < function.lineno and function.lineno <= place.line <= (function.end_lineno or 0)
    ]
    return not between


def chain(frame: FrameType | None, limit: int = 8) -> tuple[Place, ...]:
    """The user's lines on the stack, innermost first."""
    found: list[Place] = []
    while frame is not None and len(found) < limit:
        place = place_of(frame)
        frame = user_frame(frame)
        if place is None or frame is None:
            break
        found.append(place)
        frame = frame.f_back
    return tuple(found)
