"""Whether a findings.json is what its published schema says, with no key that the schema does not describe."""

from __future__ import annotations

import copy
import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def schema() -> Any:
    """The schema as it is published."""
    return json.loads(files("seatrial.report").joinpath("findings.schema.json").read_text(encoding="utf-8"))


@cache
def validator() -> Any:
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(schema())
    return jsonschema.Draft202012Validator(_closed(copy.deepcopy(schema())))


def fitting(text: str) -> Any:
    """The content of a findings.json; raises jsonschema.ValidationError where it is not as described."""
    found = json.loads(text)
    validator().validate(found)
    return found


def _closed(schema: Any) -> Any:
    """The schema with no further keys allowed where it lists the keys: a published one lets keys be added."""
    if isinstance(schema, dict):
        for part in schema.values():
            _closed(part)
        if "properties" in schema and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
    elif isinstance(schema, list):
        for part in schema:
            _closed(part)
    return schema
