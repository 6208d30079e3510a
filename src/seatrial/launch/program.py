"""A script or module, made ready to run and run as Python itself would (after coverage.py's execfile and runpy).

Two stages: `ready` fixes what has to be right before anything of the program is imported (argv, sys.path[0]); `execute` makes
a real `__main__` and runs it.
"""

from __future__ import annotations

import builtins
import importlib.machinery
import importlib.util
import os
import sys
import tokenize
from dataclasses import dataclass
from types import CodeType, ModuleType
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
        return self.name if self.is_module else os.path.splitext(os.path.basename(self.name))[0]


def source_of(path: str) -> str:
    """The text of a script.

    Raises:
        UsageProblem: no such file, a folder, not Python.
    """
    if os.path.isdir(path):
        main = os.path.join(path, "__main__.py")
        if os.path.isfile(main):
            return source_of(main)
        raise UsageProblem(
            f"A Python script was expected, but {path} is a folder without a __main__.py.", "not-a-script"
        )
    if not os.path.isfile(path):
        near = sorted(name for name in _listed(os.path.dirname(path) or ".") if name.endswith(".py"))[:6]
        hint = f"Scripts in that folder: {', '.join(near)}." if near else "Check the path."
        raise UsageProblem(f"There is no script {path}.", "no-such-script", hint)
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (SyntaxError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path} is not Python source text ({error}).", "not-python") from error


def check(program: Program) -> str:
    """The text of a script that can be compiled; "" for a module, which is found when it runs.

    Raises:
        UsageProblem: where it cannot be run at all.
    """
    if program.is_module:
        return ""
    text = source_of(program.name)
    try:
        compile(text, program.name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise UsageProblem(
            f"{program.name} is not Python: {getattr(error, 'msg', error)}"
            + (f" in line {line}: {(getattr(error, 'text', '') or '').strip()!r}." if line else "."),
            "not-python",
        ) from error
    return text


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def ready(program: Program) -> None:
    """Let argv and sys.path be as Python would have made them."""
    if program.is_module:
        sys.path[0] = os.getcwd()
        sys.argv = ["-m", *program.args]
    else:
        path = os.path.realpath(program.name)
        sys.path[0] = path if os.path.isdir(path) else os.path.dirname(path)
        sys.argv = [program.name, *program.args]


def execute(program: Program) -> None:
    """Run the program to its end in this process. What it raises is raised."""
    if program.is_module:
        code, attributes = _module(program.name)
        sys.argv[0] = attributes["__file__"]
    else:
        code, attributes = _script(program.name)
    main = ModuleType("__main__")
    vars(main).update(attributes)
    vars(main)["__builtins__"] = builtins
    vars(main)["__annotations__"] = {}
    sys.modules["__main__"] = main
    exec(code, vars(main))


def _script(name: str) -> tuple[CodeType, dict[str, Any]]:
    path = os.path.abspath(name)
    package: str | None = None
    if os.path.isdir(path):
        path, package = os.path.join(path, "__main__.py"), ""
    loader = importlib.machinery.SourceFileLoader("__main__", path)
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    attributes: dict[str, Any] = {
        "__file__": path,
        "__spec__": None,
        "__loader__": loader,
        "__package__": package,
        "__cached__": None,
    }
    return code, attributes


def _module(name: str) -> tuple[CodeType, dict[str, Any]]:
    """Code and attributes of a module to be run with -m; a package runs its __main__."""
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            name = f"{name}.__main__"
            spec = importlib.util.find_spec(name)
    except (ImportError, ValueError) as error:
        raise UsageProblem(f"There is no module {name} to run: {error}.", "no-such-module") from error
    loader = spec.loader if spec is not None else None
    code = loader.get_code(name) if isinstance(loader, importlib.machinery.SourceFileLoader) else None
    if spec is None or code is None:
        raise UsageProblem(
            f"There is no module {name} to run (looked from {os.getcwd()}).",
            "no-such-module",
            "Give a module as `python -m` would take it.",
        )
    attributes: dict[str, Any] = {
        "__file__": spec.origin,
        "__spec__": spec,
        "__loader__": loader,
        "__package__": spec.parent,
        "__cached__": spec.cached,
    }
    return code, attributes
