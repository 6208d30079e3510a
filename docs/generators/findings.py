"""docs/findings.md, from the catalogue and the rules."""

from __future__ import annotations

from seatrial.catalogue import Entry, entries
from seatrial.report.pages import sections, with_thresholds
from seatrial.rules import Rule, discover

SHOWN = ("What it finds", "Why it harms", "How it is recognised", "What it cannot see", "Thresholds", "References")
TOP = """\
# Findings

<!-- Written by docs/generate.py from the catalogue and the rules: do not edit. -->

`seatrial explain NAME` prints a page with a faulty program and its fix. {count} of the {total} findings of the
catalogue have a rule; the others are named so that they can be added without renaming anything.
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
