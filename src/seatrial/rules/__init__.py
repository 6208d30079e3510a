"""Rules judge a run. A rule is one file, `rules/<group>/<name>.py`, found here by looking, listed nowhere.

A rule's module has
    a docstring        its page, under the fixed headings (see `HEADINGS`), printed by `seatrial explain NAME`
    Thresholds         optional: a frozen dataclass of numbers, each with unit and reason in its docstring
    check(run, limits) yields findings; `limits` is a Thresholds, or None where the rule has none
    mend(run, finding, graph)  optional: how a recorded step (`graph`) would be trained without the fault, or None
Its public name follows from its path: `rules/model/dead_units.py` is `model.dead-units`.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from seatrial.findings import Finding, Mend
from seatrial.history import Run
from seatrial.rules.graph import Graph

HEADINGS = (
    "What it finds",
    "Why it harms",
    "How it is recognised",
    "What it cannot see",
    "Faulty",
    "Fixed",
    "Thresholds",
    "References",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A discovered rule: `limits` are its default thresholds (None where it has none)."""

    name: str
    page: str
    limits: Any
    check: Callable[[Run, Any], Iterable[Finding]]
    mend: Callable[[Run, Finding, Graph], Mend | None] | None = None

    @property
    def thresholds(self) -> dict[str, int | float]:
        """Names and values of its thresholds, as `[tool.seatrial.thresholds]` sets them."""
        return dataclasses.asdict(self.limits) if self.limits is not None else {}

    @property
    def about_thresholds(self) -> str:
        """What each of them means, in what unit."""
        classes = [each for each in type(self.limits).__mro__ if dataclasses.is_dataclass(each)]
        return "\n".join(inspect.cleandoc(each.__doc__ or "") for each in classes)


@cache
def discover() -> dict[str, Rule]:
    """All rules by name, in alphabetical order."""
    found: dict[str, Rule] = {}
    for group in pkgutil.iter_modules(__path__):
        if not group.ispkg:
            continue
        package = importlib.import_module(f"{__name__}.{group.name}")
        for module in pkgutil.iter_modules(package.__path__):
            rule = _load(f"{package.__name__}.{module.name}")
            found[rule.name] = rule
    return dict(sorted(found.items()))


def _load(name: str) -> Rule:
    """A rule by its module's name; one that cannot be imported fails when it is asked, so that it spoils no other."""
    try:
        return _rule(importlib.import_module(name))
    except Exception as error:
        reason = error

        def check(run: Run, limits: object) -> Iterable[Finding]:
            raise reason

        group, stem = name.rsplit(".", 2)[-2:]
        return Rule(f"{group}.{stem.replace('_', '-')}", "", None, check)


def _rule(module: ModuleType) -> Rule:
    group, stem = module.__name__.rsplit(".", 2)[-2:]
    thresholds = getattr(module, "Thresholds", None)
    limits = thresholds() if thresholds is not None else None
    return Rule(
        f"{group}.{stem.replace('_', '-')}", module.__doc__ or "", limits, module.check, getattr(module, "mend", None)
    )
