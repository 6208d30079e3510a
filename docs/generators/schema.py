"""docs/findings-json.md, from the JSON schema."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

TOP = """\
# findings.json

<!-- Written by docs/generate.py from the schema: do not edit. -->

{description} The JSON schema (draft 2020-12) is installed with the package as `seatrial/report/findings.schema.json`, and
`importlib.resources.files("seatrial.report") / "findings.schema.json"` finds it.
"""


def text() -> str:
    """The page of findings.json, from its schema."""
    schema = json.loads(files("seatrial.report").joinpath("findings.schema.json").read_text(encoding="utf-8"))
    parts = [TOP.format(description=schema["description"]), _keys(schema)]
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
        case {"type": [*names]}:
            return " or ".join(names)
        case {"type": "object", "additionalProperties": of}:
            return f"table of {_type(of)}"
        case _:
            return str(schema["type"])


def _linked(name: str) -> str:
    plain = {"name": "name of a finding", "scalar": "number, text, true, false or null", "figure": "figures"}
    return plain.get(name) or f"[{name}](#{name})"
