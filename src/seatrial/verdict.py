"""What is made of the findings of all rules: merged, suppressed where asked, folded into their causes, in order.

Pure functions of events. `judge` is what others need; its steps are apart so that each can be tried alone:

    rules → findings → severities of the project → suppressions → one a name → proofs → in order of importance → symptoms folded
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seatrial.catalogue import entries, nearest
from seatrial.config import Config, mistakes, suppressions
from seatrial.errors import UsageProblem
from seatrial.events import Event, NotLookedAt, Place
from seatrial.findings import Finding, Severity
from seatrial.history import Run
from seatrial.rules import Rule, discover
from seatrial.rules.proofs import weighed
from seatrial.rules.turns import trains_by_hand

RANK: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}

# What shows that something is wrong, but seldom what it is: it stands below a cause of the same severity.
SYMPTOMS = frozenset(
    {
        "model.constant-output",
        "model.initial-loss-off",
        "optimisation.cannot-overfit-subset",
        "optimisation.exploding-gradient",
        "optimisation.loss-not-decreasing",
        "optimisation.noisy-loss",
        "optimisation.non-finite-loss",
        "optimisation.overfitting",
        "optimisation.underfitting",
        "optimisation.update-ratio-off",
        "optimisation.vanishing-gradient",
    }
)
# True and worth mending, but seldom what keeps a network from learning: it stands last among its severity.
SMALL = frozenset(
    {"loop.gradient-tracking-during-evaluation", "loop.unseeded-run", "optimisation.decay-on-normalisation"}
)


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that the project asked not to be told: `by` is the file (and line) that asks, `reason` what it says."""

    finding: Finding
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unused:
    """A comment in the source that suppresses what was not found: `by` is its file and line."""

    name: str
    by: str


@dataclass(frozen=True, slots=True)
class Observation:
    """What was watched and what it cost: optimizer steps (of a program that steps by hand backward passes), full looks,
    seconds spent watching, and the share (0..1) of the run's wall time that they were."""

    steps: int
    full_looks: int
    seconds: float
    share_of_runtime: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a run. `findings` are listed, most important first; `folded` are symptoms of listed ones."""

    run: Run
    findings: tuple[Finding, ...]
    folded: tuple[Finding, ...]
    suppressed: tuple[Suppressed, ...]
    not_looked_at: tuple[NotLookedAt, ...]
    observation: Observation
    unused: tuple[Unused, ...] = ()

    @property
    def status(self) -> str:
        """completed | failed | interrupted | exited; "killed" where the run has no end."""
        return self.run.ended.status if self.run.ended else "killed"

    @property
    def errors(self) -> list[Finding]:
        return self.of("error")

    def of(self, severity: Severity) -> list[Finding]:
        """The listed findings of one severity."""
        return [finding for finding in self.findings if finding.severity == severity]


def judge(events: Iterable[Event], config: Config | None = None) -> Verdict:
    """Judge a run by all rules.

    Raises:
        UsageProblem: the configuration names a threshold that its rule does not have.
    """
    config = config or Config()
    run = Run.of(events)
    return settle(run, *ask(configured_rules(config), run), config)


def settle(run: Run, found: Iterable[Finding], broken: Iterable[NotLookedAt], config: Config) -> Verdict:
    """The verdict on a run, from what its rules found and which of them broke."""
    kept, suppressed = suppress([_with_severity(finding, config) for finding in found], run, config)
    findings, folded = fold(in_order([weighed(run, finding) for finding in merge(kept)]))
    unseen = (*run.not_looked_at, *broken, *_vain_suppressions(run))
    unused = _unused(run, suppressed)
    return Verdict(run, findings, folded, suppressed, tuple(dict.fromkeys(unseen)), _observation(run), unused)


# ---- asking the rules --------------------------------------------------------------------------------------------


def configured_rules(config: Config) -> tuple[Rule, ...]:
    """All rules with the thresholds of the project.

    Raises:
        UsageProblem: a threshold is set for a rule that has none of that name, or with a value of another type.
    """
    known = discover()
    for name in config.thresholds:
        if name not in known:
            raise UsageProblem(
                f"Expected a rule with thresholds in {config.file}, found {name}, which no rule finds yet.",
                "config-key",
            )
    return tuple(
        replace(rule, limits=_limits(rule, config.thresholds[rule.name], config.file))
        if rule.name in config.thresholds
        else rule
        for rule in known.values()
    )


def _limits(rule: Rule, values: dict[str, int | float | bool | str], file: str) -> object:
    defaults: dict[str, object] = dataclasses.asdict(rule.limits) if rule.limits is not None else {}
    kinds = {each.name: each.type for each in dataclasses.fields(rule.limits)} if rule.limits is not None else {}
    for name, value in values.items():
        if name not in defaults:
            near = nearest(name, defaults)
            hint = f"Did you mean {near[0]}?" if near else f"It has: {', '.join(defaults) or 'none'}."
            raise UsageProblem(f"Expected a threshold of {rule.name} in {file}, found {name!r}.", "config-key", hint)
        if not _fits(value, kinds[name]):
            raise UsageProblem(
                f"Expected a value like {defaults[name]!r} for {name} of {rule.name} in {file}, found {value!r}.",
                "config-value",
            )
    return type(rule.limits)(**(defaults | values))


def _fits(value: object, kind: Any) -> bool:
    """Whether a value is of the type, or the type of that name, that a threshold has; a whole number can stand for a fraction."""
    kind = kind if isinstance(kind, str) else kind.__name__
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return type(value).__name__ == kind or (type(value) is int and kind == "float")


def ask(rules: Iterable[Rule], run: Run) -> tuple[list[Finding], list[NotLookedAt]]:
    """All findings of a run; a rule that breaks costs its own findings only, and is named among what was not looked at."""
    found: list[Finding] = []
    broken: list[NotLookedAt] = []
    for rule in rules:
        try:
            found.extend(rule.check(run, rule.limits))
        except Exception as problem:
            broken.append(NotLookedAt(rule.name, f"the rule itself failed: {type(problem).__name__}: {problem}"))
    return found, broken


# ---- what the project asks for -----------------------------------------------------------------------------------


def _with_severity(finding: Finding, config: Config) -> Finding:
    match config.severity.get(finding.name):
        case "error" | "warning" | "note" as severity:
            return replace(finding, severity=severity)
        case _:
            return finding


def suppress(found: Sequence[Finding], run: Run, config: Config) -> tuple[list[Finding], tuple[Suppressed, ...]]:
    """Take out what the configuration or a comment beside one of its lines asks not to be told.

    A suppressed finding explains nothing: what it would have folded is listed."""
    comments = _comments(run)
    kept: list[Finding] = []
    suppressed: list[Suppressed] = []
    for finding in found:
        asked = [comments[key] for p in finding.where if (key := (p.file, p.line, finding.name)) in comments]
        if finding.name in config.ignore:
            asked.append((config.file, config.ignore[finding.name]))
        if asked:
            suppressed.append(Suppressed(finding, *asked[0]))
        else:
            kept.append(finding)
    return kept, tuple(suppressed)


def _comments(run: Run) -> dict[tuple[str, int, str], tuple[str, str]]:
    """Who asks that a finding of a name at a line of a file is suppressed, and why."""
    return {
        (file, line, name): (f"{file}:{each.line}", each.reason)
        for file, text in run.sources.items()
        for each in suppressions(text)
        for line in each.covers
        for name in each.names
    }


def _unused(run: Run, suppressed: Iterable[Suppressed]) -> tuple[Unused, ...]:
    """Comments that had nothing to suppress. What the settings of a project ignore is meant for all its scripts."""
    comments = _comments(run)
    met = [(place.file, place.line, each.finding.name) for each in suppressed for place in each.finding.where]
    used = {(key[2], comments[key][0]) for key in met if key in comments}
    asked = dict.fromkeys((name, by) for (_, _, name), (by, _) in comments.items() if name in entries())
    return tuple(Unused(name, by) for name, by in asked if (name, by) not in used)


def _vain_suppressions(run: Run) -> list[NotLookedAt]:
    """Suppressions that cannot work. Those of the script are refused before it runs; these are of what it imports."""
    return [
        NotLookedAt("a suppression", str(problem))
        for file, text in run.sources.items()
        for problem in mistakes(text, file)
    ]


# ---- one finding a name, in order, symptoms folded ---------------------------------------------------------------


def merge(found: Iterable[Finding]) -> list[Finding]:
    """One finding a name: the best one, with the places of all. What the others said is kept as evidence `also`."""
    names: dict[str, list[Finding]] = {}
    for finding in found:
        names.setdefault(finding.name, []).append(finding)
    return [_merged(sorted(same, key=_importance)) for same in names.values()]


def _merged(same: list[Finding]) -> Finding:
    best, *others = same
    if not others:
        return best
    return replace(
        best,
        where=_places(same),
        explains=tuple(dict.fromkeys(name for finding in same for name in finding.explains)),
        evidence={**best.evidence, "found": len(same), "also": [finding.message for finding in others]},
    )


def _places(same: Iterable[Finding]) -> tuple[Place, ...]:
    """All places in order; one a line, since what counts is where to look."""
    lines: dict[tuple[str, int], Place] = {}
    for finding in same:
        for place in finding.where:
            lines.setdefault((place.file, place.line), place)
    return tuple(lines.values())


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The most important first: alarms before notes, what is proven, errors before warnings, causes before symptoms,
    what is small last, the surer one. The name decides what is left, so that the order is the same every time."""
    return sorted(findings, key=_importance)


def _importance(finding: Finding) -> tuple[bool, bool, int, int, float, str, str]:
    return (
        finding.severity == "note",
        finding.proof is None,
        RANK[finding.severity],
        (finding.name in SYMPTOMS) + 2 * (finding.name in SMALL),
        -finding.confidence,
        finding.name,
        finding.message,
    )


def fold(ordered: Sequence[Finding]) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Fold symptoms into causes.

    A finding is folded into the first one in order that explains it and is at least as severe. Of findings that
    explain each other in a circle one stays.

    Returns:
        The findings that stay, each with the names of all that it explains in `folded`, directly or by way of others;
        and the folded ones, both in order.
    """
    into: dict[str, str] = {}

    def root(name: str) -> str:
        while name in into:
            name = into[name]
        return name

    for cause in ordered:
        for symptom in ordered:
            explained = symptom.name in cause.explains and RANK[cause.severity] <= RANK[symptom.severity]
            if explained and symptom.name not in into and root(cause.name) != symptom.name:
                into[symptom.name] = cause.name

    parts: dict[str, list[str]] = {}
    for finding in ordered:
        if finding.name in into:
            parts.setdefault(root(finding.name), []).append(finding.name)
    stay = tuple(replace(each, folded=tuple(parts.get(each.name, ()))) for each in ordered if each.name not in into)
    return stay, tuple(each for each in ordered if each.name in into)


def _observation(run: Run) -> Observation:
    end = run.ended
    looks = len({(look.tick, look.optimizer) for look in run.looks})
    if end is None:
        return Observation(sum(turn.repeats for turn in run.turns if turn.complete), looks, 0.0, 0.0)
    share = end.watching_seconds / end.seconds if end.seconds > 0 else 0.0
    steps = end.ticks if trains_by_hand(run) else end.optimizer_steps
    return Observation(steps, looks, end.watching_seconds, share)
