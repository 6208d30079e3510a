"""Writes docs/findings.md from the catalogue and the rules, and docs/findings-json.md from the schema: `python docs/generate.py`.

A test compares: a rule's page is changed in the rule, a key's description in the schema, never here."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from seatrial.catalogue import Entry, entries
from seatrial.report.pages import sections, with_thresholds
from seatrial.rules import Rule, discover

PAGE = Path(__file__).with_name("findings.md")
SCHEMA_PAGE = Path(__file__).with_name("findings-json.md")
SHOWN = ("What it finds", "Why it harms", "How it is recognised", "What it cannot see", "Thresholds", "References")
TOP = """\
# Findings

<!-- Written by docs/generate.py from the catalogue and the rules: do not edit. -->

`seatrial explain NAME` prints a page with a faulty program and its fix. {count} of the {total} findings of the
catalogue have a rule; the others are named so that they can be added without renaming anything.
"""
SCHEMA_TOP = """\
# findings.json

<!-- Written by docs/generate.py from the schema: do not edit. -->

{description} The JSON schema (draft 2020-12) is installed with the package as `seatrial/report/findings.schema.json`, and
`importlib.resources.files("seatrial.report") / "findings.schema.json"` finds it.
"""


def text() -> str:
    """The whole page."""
    rules = discover()
    parts = [TOP.format(count=len(rules), total=len(entries()))]
    for group in dict.fromkeys(name.partition(".")[0] for name in entries()):
        names = [entry for name, entry in entries().items() if name.startswith(f"{group}.")]
        parts.append(_table(group, names, rules))
    parts += [_section(entry, with_thresholds(rules[name])) for name, entry in entries().items() if name in rules]
    return "\n".join(parts)


def _table(group: str, names: list[Entry], rules: dict[str, Rule]) -> str:
    rows = [
        f"| {f'[`{each.name}`](#{_anchor(each.name)})' if each.name in rules else f'`{each.name}` (no rule yet)'} "
        f"| {each.statement} | {each.practice} |"
        for each in names
    ]
    return "\n".join([f"## {group}", "", "| name | what is true then | practice |", "|---|---|---|", *rows, ""])


def _section(entry: Entry, page: str) -> str:
    """A rule's page without its programs."""
    parts = sections(page)
    shown = [f"**{name}.** {parts[name]}\n" for name in SHOWN if parts.get(name)]
    return "\n".join([f"## {entry.name}", "", entry.statement, "", *shown])


def _anchor(name: str) -> str:
    return name.replace(".", "")


def schema_text() -> str:
    """The page of findings.json, from its schema."""
    schema = json.loads(files("seatrial.report").joinpath("findings.schema.json").read_text(encoding="utf-8"))
    parts = [SCHEMA_TOP.format(description=schema["description"]), _keys(schema)]
    for name, each in schema["$defs"].items():
        if "properties" in each:
            parts += [f"\n## {name}\n", *([each["description"] + "\n"] if "description" in each else []), _keys(each)]
    return "\n".join(parts) + "\n"


def _keys(schema: Any) -> str:
    rows = [
        f"| `{key}`{'' if key in schema['required'] else ' (may be missing)'} | {_type(each)} | {each.get('description', '')} |"
        for key, each in schema["properties"].items()
    ]
    return "\n".join(["| key | type | |", "|---|---|---|", *rows])


def _type(schema: Any) -> str:
    match schema:
        case {"$ref": str(to)}:
            return _linked(to.rpartition("/")[2])
        case {"type": "array", "items": items}:
            return f"list of {_type(items)}"
        case {"anyOf": [{"type": "null"}, other]}:
            return f"{_type(other)} or null"
        case {"enum": values}:
            return ", ".join(f"`{value}`" for value in values)
        case {"const": value}:
            return f"`{value}`"
        case {"type": "object", "additionalProperties": of}:
            return f"table of {_type(of)}"
        case _:
            return str(schema["type"])


def _linked(name: str) -> str:
    plain = {"name": "name of a finding", "scalar": "number, text, true, false or null", "figure": "figures"}
    return plain.get(name) or f"[{name}](#{name})"


if __name__ == "__main__":
    for page, content in ((PAGE, text()), (SCHEMA_PAGE, schema_text())):
        page.write_text(content, encoding="utf-8")
