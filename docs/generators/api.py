"""docs/python.md, from the signatures and docstrings of what `import seatrial` offers."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import seatrial
from generators import docstrings

TOP = """\
# The Python API

<!-- Written by docs/generate.py from the docstrings: do not edit. -->

`import seatrial` offers these names, and imports what is behind one of them (torch among it) when it is first asked for. What is
raised as `UsageProblem` is `seatrial.errors.UsageProblem`: it says what was expected, what was found and what to do. Types that a
signature names and this page does not are found in the module of the function.

{table}
"""
# Of a class with many methods for seatrial's own use: those that are meant for others.
SHOWN = {"Task": ("from_lightning", "having", "metrics")}
HOOKS = ("load_ipython_extension", "unload_ipython_extension")


def text() -> str:
    """The whole page."""
    names = [name for name in seatrial._HOMES if name not in HOOKS]
    rows = [f"| [`{name}`](#{_anchor(name)}) | {docstrings.first_sentence(_offered(name))} |" for name in names]
    table = "\n".join(["| name | |", "|---|---|", *rows])
    return "\n".join([TOP.format(table=table), *(_section(name) for name in names), _hooks()])


def _heading(name: str) -> str:
    """Check and check must have anchors of their own."""
    return f"class {name}" if isinstance(_offered(name), type) else f"{name}()"


def _anchor(name: str) -> str:
    return _heading(name).lower().replace(" ", "-").replace("()", "")


def _offered(name: str) -> Any:
    """Taken from its module, whatever has taken the place of its name in `seatrial` since."""
    return getattr(importlib.import_module(f"seatrial.{seatrial._HOMES[name]}"), name)


def _section(name: str) -> str:
    offered = _offered(name)
    signature = _signature(offered)
    parts = [f"## {_heading(name)}", f"```python\n{_written(f'seatrial.{name}', signature)}\n```"]
    parts.append(docstrings.as_markdown(inspect.getdoc(offered) or "", set(signature.parameters)))
    if isinstance(offered, type) and (members := list(_members(offered))):
        parts += ["Its objects have:", "\n".join(members)]
    return "\n\n".join(parts) + "\n"


def _signature(of: Any) -> inspect.Signature:
    """That of a class is how its objects are made, without what comes before (`__new__` may take anything)."""
    if not isinstance(of, type):
        return inspect.signature(of)
    made = inspect.signature(of.__init__)
    _, *parameters = made.parameters.values()
    return inspect.Signature(parameters)


def _written(name: str, signature: inspect.Signature) -> str:
    """A call's signature, a parameter a line where it would be long."""
    parameters = [_parameter(each) for each in signature.parameters.values()]
    kinds = [each.kind for each in signature.parameters.values()]
    if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        parameters.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    returned = signature.return_annotation
    end = f" -> {_name(returned)}" if returned not in (inspect.Signature.empty, None, "None") else ""
    line = f"{name}({', '.join(parameters)}){end}"
    return line if len(line) <= 100 else "\n".join([f"{name}(", *(f"    {each}," for each in parameters), f"){end}"])


def _parameter(of: inspect.Parameter) -> str:
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}.get(of.kind, "")
    kind = "" if of.annotation is inspect.Parameter.empty else f": {_name(of.annotation)}"
    if of.default is inspect.Parameter.empty:
        return f"{stars}{of.name}{kind}"
    value = "..." if callable(of.default) else repr(of.default).replace("'", '"')
    return f"{stars}{of.name}{kind} = {value}"


def _name(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def _members(of: type) -> Iterator[str]:
    """The public methods and properties that a class defines and describes."""
    for name, member in vars(of).items():
        plain = member.__func__ if isinstance(member, staticmethod | classmethod) else member
        is_member = inspect.isfunction(plain) or isinstance(plain, property) or hasattr(plain, "attrname")
        if name.startswith("_") or not is_member or name not in SHOWN.get(of.__name__, (name,)):
            continue
        called = ""
        if inspect.isfunction(plain):
            parameters = [_parameter(each) for each in inspect.signature(plain).parameters.values()]
            called = f"({', '.join(each for each in parameters if each != 'self')})"
        if said := docstrings.first_sentence(plain):
            yield f"- `.{name}{called}`: {said}"


def _hooks() -> str:
    return "## In a notebook\n\n`%load_ext seatrial` calls `load_ipython_extension`: [the magic](tests-and-notebooks.md#notebooks).\n"
