"""A docstring as Markdown: paragraphs as they are, described parameters as a list.

Parameters are described in two ways: functions below `Args:`, as `name: text`; classes in columns, as `name   text`.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import Any

TITLES = {"Args": "", "Returns": "Returns:\n\n", "Raises": "Raises:\n\n"}


def first_sentence(of: Any) -> str:
    """The first sentence of an object's docstring, on one line."""
    said = " ".join((inspect.getdoc(of) or "").partition("\n\n")[0].split())
    found = re.match(r".*?[.?](?= [A-Z`]|$)", said)
    return (found[0] if found else said).replace("|", "\\|")


def as_markdown(doc: str, parameters: set[str]) -> str:
    """The whole docstring; `parameters` are the names that a line of a column may begin with."""
    blocks = re.split(r"\n\n+|\n(?=(?:Args|Returns|Raises):\n)", doc)
    return "\n\n".join(_block(block, parameters) for block in blocks)


def _block(block: str, parameters: set[str]) -> str:
    head, _, rest = block.partition(":\n")
    if head in TITLES:
        return TITLES[head] + _described(textwrap.dedent(rest))
    begins_with_one = re.match(r"\w+", block)
    return _in_columns(block, parameters) if begins_with_one and begins_with_one[0] in parameters else block


def _described(block: str) -> str:
    """`name: text`, further lines of the text indented; a text without a name is a paragraph."""
    items = [" ".join(item.split()) for item in re.split(r"\n(?! )", block.strip())]
    return "\n".join(re.sub(r"^(\w[\w, ]*): ", r"- `\1`: ", item) for item in items)


def _in_columns(block: str, parameters: set[str]) -> str:
    """`name   text`, further lines of the text below its first; what stands two places further in is a list within."""
    made: list[str] = []
    column = 0
    for line in block.splitlines():
        found = re.match(r"(\w+(?:, \w+)*) +(.*)", line)
        if found and set(found[1].split(", ")) <= parameters:
            made.append(f"- `{found[1]}`: {found[2]}")
            column = found.start(2)
        elif len(line) - len(line.lstrip()) == column + 2:
            made.append(f"  - {' '.join(line.split())}")
        else:
            made[-1] += f" {' '.join(line.split())}"
    return "\n".join(made)
