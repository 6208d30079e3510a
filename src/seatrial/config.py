"""What a person sets: `[tool.seatrial]` in pyproject.toml and comments in the source that suppress a finding.

    [tool.seatrial]
    ignore = ["loop.unseeded-run"]                        # or a table: name = "why"
    severity = {"model.dead-units" = "note"}
    thresholds = {"model.dead-units" = {share = 0.6}}
    budget = {looks = 0.01, trials = 60}
    track = ["mlflow", "tensorboard:logs"]                # where a run is sent once it is over

    optimizer.step()  # seatrial: ignore[loop.missing-zero-grad] gradients are summed on purpose

Whatever is not understood is refused: a mistyped name that is passed over in silence would suppress nothing.
"""

from __future__ import annotations

import io
import math
import re
import tokenize
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from seatrial.catalogue import entries, nearest, suggestion
from seatrial.errors import UsageProblem
from seatrial.targets import Target, targets

LEVELS = ("error", "warning", "note")
KEYS = ("ignore", "severity", "thresholds", "budget", "track")
# What has a finding's name in brackets was meant to be one, however it is spelt.
_COMMENT = re.compile(r"#\s*seatrial:\s*(ignore\b|\w+(?=\s*\[\s*\w+\.\w))\s*(?:\[([^\]]*)\])?\s*(.*)", re.IGNORECASE)
_BETWEEN = (tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


@dataclass(frozen=True, slots=True)
class Budget:
    """What seatrial may spend; None: as is usual.

    looks   share (0..1) of the time of a run that close looks at its steps may take.
    trials  CPU seconds that experiments may take in all; 0: none are made.
    """

    looks: float | None = None
    trials: float | None = None


BUDGET = tuple(each.name for each in fields(Budget))


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one project.

    ignore      reason by name of finding ("" where none was given).
    severity    "error" | "warning" | "note" by name of finding.
    thresholds  values by name of threshold, by name of rule; a rule's own frozen dataclass says what there is.
    file        the pyproject.toml that they stand in; "" where there is none.
    budget      what seatrial may spend.
    track       the trackers that a run is sent to once it is over.
    """

    ignore: dict[str, str] = field(default_factory=dict)
    severity: dict[str, str] = field(default_factory=dict)
    thresholds: dict[str, dict[str, int | float | bool | str]] = field(default_factory=dict)
    file: str = ""
    budget: Budget = field(default_factory=Budget)
    track: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Suppression:
    """A comment that asks for silence: the line it stands on, the names that it gives, and why.

    `covers` are the lines of the statement that it speaks of: the one it stands in, or the next one where it stands alone.
    `word` is what it was called: anything but "ignore" is a mistake."""

    line: int
    covers: range
    names: tuple[str, ...]
    reason: str
    word: str = "ignore"


def load(folder: Path) -> Config:
    """The settings for a script in `folder`: the nearest pyproject.toml at or above it that has `[tool.seatrial]`.

    Raises:
        UsageProblem: the file is no TOML, or has a key, a name or a value that is not known.
    """
    start = folder.resolve()
    for place in (start, *start.parents):
        file = place / "pyproject.toml"
        table = _table(file) if file.is_file() else None
        if table is not None:
            return _config(table, file)
    return Config()


def _table(file: Path) -> dict[str, Any] | None:
    try:
        tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise UsageProblem(
            f"Expected TOML in {file}, found: {problem}.",
            "config-not-toml",
            "Mend the file, or move the script out of its reach.",
        ) from problem
    return tool.get("seatrial") if isinstance(tool, Mapping) else None


def _config(table: object, file: Path) -> Config:
    settings = _mapping(table, file, "tool.seatrial")
    _only(settings, KEYS, f"settings of seatrial in {file}")
    return Config(
        _ignored(settings.get("ignore", []), file),
        _severities(settings.get("severity", {}), file),
        _thresholds(settings.get("thresholds", {}), file),
        str(file),
        _budget(settings.get("budget", {}), file),
        _track(settings.get("track", []), file),
    )


def _only(found: Iterable[str], known: tuple[str, ...], what: str) -> None:
    for key in found:
        if key not in known:
            near = nearest(key, known)
            hint = f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(known)}."
            raise UsageProblem(f"Expected {what}, found the unknown key {key!r}.", "config-key", hint)


def _ignored(value: object, file: Path) -> dict[str, str]:
    given = [(name, "") for name in value] if isinstance(value, list) else _mapping(value, file, "ignore").items()
    reasons: dict[str, str] = {}
    for name, reason in given:
        _known(name, f"{file}, ignore")
        if not isinstance(reason, str):
            raise UsageProblem(
                f"Expected a reason (text) for {name} in {file}, ignore, found {reason!r}.",
                "config-value",
                f'Write "{name}" = "why it is meant so".',
            )
        reasons[name] = reason
    return reasons


def _severities(value: object, file: Path) -> dict[str, str]:
    levels = _mapping(value, file, "severity")
    for name, level in levels.items():
        _known(name, f"{file}, severity")
        if level not in LEVELS:
            raise UsageProblem(
                f"Expected error, warning or note for {name} in {file}, severity, found {level!r}.",
                "config-value",
                "To silence a finding, add it to ignore.",
            )
    return levels


def _thresholds(value: object, file: Path) -> dict[str, dict[str, int | float | bool | str]]:
    rules = _mapping(value, file, "thresholds")
    for name, limits in rules.items():
        _known(name, f"{file}, thresholds")
        for limit, number in _mapping(limits, file, f"thresholds.{name}").items():
            if not isinstance(number, int | float | bool | str):
                raise UsageProblem(
                    f"Expected a number for {limit} of {name} in {file}, thresholds, found {number!r}.",
                    "config-value",
                    f"`seatrial explain {name}` lists its thresholds.",
                )
    return rules


def _budget(value: object, file: Path) -> Budget:
    given = _mapping(value, file, "budget")
    _only(given, BUDGET, f"a budget in {file}")
    for name, number in given.items():
        most = 1.0 if name == "looks" else math.inf
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= most:
            raise UsageProblem(
                f"Expected {'a share from 0 to 1' if name == 'looks' else 'seconds, 0 or more'} for {name} in {file}, "
                f"budget, found {number!r}.",
                "config-value",
            )
    return Budget(**given)


def _track(value: object, file: Path) -> tuple[Target, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise UsageProblem(
            f"Expected a list of trackers at track in {file}, found {value!r}.",
            "config-value",
            'For instance: track = ["tensorboard:logs"]',
        )
    return targets(value, f"track in {file}")


def _mapping(value: object, file: Path, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise UsageProblem(
            f"Expected a table at {where} in {file}, found {value!r}.",
            "config-value",
            "Write name = value, names in quotes.",
        )
    return dict(value)


def _known(name: object, where: str) -> None:
    if not isinstance(name, str) or name not in entries():
        raise UsageProblem(
            f"Expected a finding's name in {where}, found {name!r}.", "no-such-finding", suggestion(str(name))
        )


def suppressions(text: str) -> tuple[Suppression, ...]:
    """The comments in a source text that suppress findings, in order of their lines.

    Strings that only look like such a comment do not count. A text that is no Python has none."""
    if "seatrial:" not in text:
        return ()
    found: list[Suppression] = []
    for line, covers, comment in _comments(text):
        if match := _COMMENT.search(comment):
            names = tuple(name.strip() for name in (match[2] or "").split(",") if name.strip())
            found.append(Suppression(line, covers, names, match[3].strip(), match[1].lower()))
    return tuple(found)


def _comments(text: str) -> Iterator[tuple[int, range, str]]:
    """Comments with their line and the lines of the statement that they stand in or, alone on a line, before."""
    waiting: list[tuple[int, str]] = []
    start = 0  # the line in which the statement begins that is being read; 0 between two
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                waiting.append((token.start[0], token.string))
            elif token.type == tokenize.NEWLINE:
                yield from ((line, range(start, token.start[0] + 1), comment) for line, comment in waiting)
                waiting, start = [], 0
            elif token.type not in _BETWEEN:
                start = start or token.start[0]
    except (tokenize.TokenError, SyntaxError):
        return
    yield from ((line, range(line, line + 1), comment) for line, comment in waiting)


def mistakes(text: str, file: str) -> list[UsageProblem]:
    """What is wrong with the suppressions in a source text: names that no finding has, or none at all."""
    return [problem for each in suppressions(text) for problem in _mistakes(each, file)]


def _mistakes(suppression: Suppression, file: str) -> Iterable[UsageProblem]:
    place = f"{file}:{suppression.line}"
    if suppression.word != "ignore":
        yield UsageProblem(
            f"Expected `seatrial: ignore[name]` in the comment at {place}, found {suppression.word!r}.",
            "no-suppression",
            "Did you mean ignore?",
        )
    if not suppression.names:
        yield UsageProblem(
            f"Expected the name of a finding in the suppression at {place}, found none.",
            "suppression-without-name",
            "Write `# seatrial: ignore[name] reason`.",
        )
    for name in suppression.names:
        if name not in entries():
            yield UsageProblem(
                f"Expected a finding's name in the suppression at {place}, found {name!r}.",
                "no-such-finding",
                suggestion(name),
            )


def check_source(text: str, file: str) -> None:
    """Refuse a script whose suppressions cannot work, before it is run.

    Raises:
        UsageProblem: the first mistake in its suppressions.
    """
    for problem in mistakes(text, file):
        raise problem
