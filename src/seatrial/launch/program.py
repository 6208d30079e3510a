# (paths are strings here, as CPython has them: joined, not normalised)
"""A script or module, checked before it is run, and run as Python would (after CPython's main, runpy and coverage.py).

Three stages: `ready` fixes what has to be right before anything of the program is looked for (argv, sys.path[0]);
`load` finds and compiles it, once, so that its warnings are shown once; `main_module` makes the `__main__` it runs in.
"""

from __future__ import annotations

import builtins
import importlib.util
import io
import os
import runpy
import sys
import tokenize
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.machinery import PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

from seatrial.errors import UsageProblem


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: a script by its path, or a module by its name."""

    name: str
    is_module: bool
    args: tuple[str, ...]

    @property
    def label(self) -> str:
        """A short name for folders and headings."""
        return self.name if self.is_module else os.path.splitext(os.path.basename(self.name.rstrip("/")))[0]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A program that can be run.

    `run` takes the dictionary of `__main__`; `file` and `text` are its source ("" where only running it will tell)."""

    run: Callable[[dict[str, Any]], object]
    file: str
    text: str


def ready(program: Program) -> None:
    """Let argv and sys.path be as Python would have made them."""
    first = "-m" if program.is_module else program.name
    sys.argv = [first, *program.args]
    sys.orig_argv = [sys.executable, *(["-m"] if program.is_module else []), program.name, *program.args]
    if not sys.flags.safe_path:
        sys.path[0] = _first_of_path(program)


def _first_of_path(program: Program) -> str:
    if program.is_module:
        return os.getcwd()
    if os.path.isdir(program.name):
        return os.path.join(os.getcwd(), program.name)
    return os.path.dirname(os.path.realpath(program.name))


def load(program: Program) -> Loaded:
    """Find and compile a program.

    Raises:
        UsageProblem: it is not there, or is not Python.
    """
    if program.is_module:
        return _module(program.name)
    if os.path.isdir(program.name):
        return _folder(program.name)
    return _script(program.name)


def main_module(file: str = "") -> ModuleType:
    """A fresh `__main__`, in the place of ours. For a script, `file` is its absolute path.

    Its names are what this version of Python gives a script, in the same order: the `__main__` that is there is one."""
    given = vars(sys.modules["__main__"])
    main = ModuleType("__main__")
    if "__annotations__" in given:
        vars(main)["__annotations__"] = {}
    vars(main)["__builtins__"] = builtins
    if file:
        vars(main)["__file__"] = file
        if "__cached__" in given:
            vars(main)["__cached__"] = None
        main.__loader__ = SourceFileLoader("__main__", file)
    sys.modules["__main__"] = main
    return main


# ---- scripts -----------------------------------------------------------------------------------------------------


def _script(name: str) -> Loaded:
    source = _read(name)
    path = os.path.join(os.getcwd(), name)  # as CPython does it: absolute, not normalised
    text = _text(name, source)
    try:
        code = compile(source, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise _not_python(name, error) from error
    return Loaded(partial(exec, code), path, text)


def _read(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise UsageProblem(
            f"Expected a Python file to run, found no file {name}.", "no-such-script", _near(name)
        ) from None
    except OSError as error:
        raise UsageProblem(f"The script {name} cannot be read: {error.strerror}.", "unreadable-script") from error


def _text(name: str, source: bytes) -> str:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        return io.TextIOWrapper(io.BytesIO(source), encoding).read()
    except (SyntaxError, ValueError, LookupError) as error:
        raise _not_python(name, error) from error


def _not_python(name: str, error: Exception) -> UsageProblem:
    if isinstance(error, SyntaxError) and error.lineno:
        line = (error.text or "").strip()
        shown = f": {line}" if line and line.isprintable() else ""
        return UsageProblem(
            f"{name} is not Python: {error.msg} in line {error.lineno}{shown}",
            "not-python",
            "Mend the line, or give another script.",
        )
    return UsageProblem(f"{name} is not Python source: {error}.", "not-python", "Give a script, like train.py.")


def _near(name: str) -> str:
    folder = os.path.dirname(name) or "."
    try:
        scripts = sorted(each for each in os.listdir(folder) if each.endswith(".py"))
    except OSError:
        return f"There is no folder {folder} either."
    if not scripts:
        return f"No script is in {os.path.abspath(folder)}."
    import difflib

    near = difflib.get_close_matches(os.path.basename(name), scripts, 3)
    return f"Did you mean {' or '.join(near)}?" if near else f"Scripts there: {', '.join(scripts[:6])}."


def _folder(name: str) -> Loaded:
    main = os.path.join(name, "__main__.py")
    if not os.path.isfile(main):
        raise UsageProblem(
            f"Expected a script to run, found the folder {name}, which has no __main__.py.",
            "not-a-script",
            "Give a script in it, or a package with -m.",
        )
    script = _script(main)
    # Python runs a folder as the module __main__ that is found in it.
    return Loaded(lambda _: runpy._run_module_as_main("__main__", False), "", script.text)  # type: ignore[attr-defined]


# ---- modules -----------------------------------------------------------------------------------------------------


def _module(name: str) -> Loaded:
    file = _locate(name)
    text = ""
    if file.endswith(".py"):
        source = _read(file)
        text = _text(file, source)
        _check_syntax(file, source)
    # `python -m` is this very function, so its frames in a traceback are right.
    return Loaded(lambda _: runpy._run_module_as_main(name), "", text)  # type: ignore[attr-defined]


def _check_syntax(file: str, source: bytes) -> None:
    import warnings

    with warnings.catch_warnings():  # runpy compiles it again, and warns then
        warnings.simplefilter("ignore")
        try:
            compile(source, file, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            raise _not_python(file, error) from error


def _locate(name: str) -> str:
    """Where a module's source is; "" where only the import of its package can tell. Nothing is imported here.

    Raises:
        UsageProblem: there is no such module, or it cannot be run.
    """
    first, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(first) if first else None
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise UsageProblem(f"Expected a module to run, found none called {name}.", "no-such-module", _hint(name))
    full = first
    for part in rest:
        full = f"{full}.{part}"
        if spec.submodule_search_locations is None:
            raise UsageProblem(
                f"Expected a module to run, found {spec.name}, which is no package that could hold {full}.",
                "no-such-module",
                _hint(name),
            )
        spec = PathFinder.find_spec(full, list(spec.submodule_search_locations))
        if spec is None:
            return ""
    if spec.submodule_search_locations is not None:
        spec = PathFinder.find_spec(f"{full}.__main__", list(spec.submodule_search_locations))
        if spec is None:
            raise UsageProblem(
                f"Expected a module to run, found the package {name}, which has no __main__.",
                "no-such-module",
                "Name a module in it.",
            )
    return spec.origin or ""


def _hint(name: str) -> str:
    if name.endswith(".py"):
        return f"A file is given without -m, a module without .py: seatrial run -m {name.removesuffix('.py')}"
    return f"Modules are looked for from {os.getcwd()}."
