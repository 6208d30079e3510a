"""The page of a rule (its docstring) taken apart, for reports that show some of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.rules import Rule


def sections(page: str) -> dict[str, str]:
    """The text below each heading of a page, by heading."""
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def with_thresholds(rule: Rule) -> str:
    """The page of a rule with the names, values and meaning of its thresholds, as a project sets them."""
    if not rule.thresholds:
        return rule.page
    values = ", ".join(f"`{name} = {value}`" for name, value in rule.thresholds.items())
    listed = f"Set in `[tool.seatrial.thresholds]`, by default {values}. {rule.about_thresholds}"
    begin, heading, rest = rule.page.partition("## Thresholds\n")
    said, next_heading, end = rest.partition("\n## ")
    return f"{begin}{heading}{said.strip()}\n\n{listed}\n{next_heading}{end}"


def plain(text: str) -> str:
    """Text whose marks of emphasis and code are gone, where no Markdown is understood; programs stay as they are."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(_bare(part) if at % 2 == 0 else _program(part) for at, part in enumerate(parts)).strip()


def _bare(text: str) -> str:
    text = re.sub(r"^#+ ", "", text, flags=re.MULTILINE)
    return re.sub(r"`([^`\n]*)`|(?<!\w)\*{1,2}([^*\n]+)\*{1,2}(?!\w)", lambda found: found[1] or found[2] or "", text)


def _program(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines()[1:-1])
