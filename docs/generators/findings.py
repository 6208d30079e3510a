"""docs/findings.md, from the catalogue and the rules; and for the site, a page for each finding."""

from __future__ import annotations

from collections.abc import Callable

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


def text(whole: bool = True) -> str:
    """The whole page; or only its tables, which then lead to pages."""
    rules = discover()
    parts = [TOP.format(count=len(rules), total=len(entries()))]
    for group in dict.fromkeys(name.partition(".")[0] for name in entries()):
        known = [entry for name, entry in entries().items() if name.startswith(f"{group}.")]
        parts.append(_table(group, known, rules, _anchor if whole else _page))
    if whole:
        parts += [_section(entries()[name], with_thresholds(rules[name])) for name in names()]
    return "\n".join(parts)


def names() -> list[str]:
    """The findings that have a rule, in the order of the catalogue."""
    rules = discover()
    return [name for name in entries() if name in rules]


def page(name: str) -> str:
    """All of a rule's page, with its programs."""
    entry = entries()[name]
    said = [f"{entry.statement}", *([f"Practice: {entry.practice}."] if entry.practice else [])]
    parts = [f"## {heading}\n\n{text}" for heading, text in sections(with_thresholds(discover()[name])).items() if text]
    return "\n\n".join([f"# {name}", *said, *parts]) + "\n"


def _table(group: str, names: list[Entry], rules: dict[str, Rule], link: Callable[[str], str]) -> str:
    rows = [
        f"| {f'[`{each.name}`]({link(each.name)})' if each.name in rules else f'`{each.name}` (no rule yet)'} "
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
    return f"#{name.replace('.', '')}"


def _page(name: str) -> str:
    return f"findings/{name}.md"
