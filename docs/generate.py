"""Writes the pages of docs/ that repeat what stands elsewhere: `python docs/generate.py`.

A rule's page is changed in the rule, a key's description in the schema, an option's help in the command, a parameter's in the
docstring, never here. A test compares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from generators import api, commands, findings, schema

PAGES: dict[str, Callable[[], str]] = {
    "findings.md": findings.text,
    "findings-json.md": schema.text,
    "commands.md": commands.text,
    "python.md": api.text,
}

if __name__ == "__main__":
    for name, text in PAGES.items():
        Path(__file__).with_name(name).write_text(text(), encoding="utf-8")
