"""A report as plain data: everything that is printed or drawn, and nothing that decides. Tests look here."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from seatrial import __version__
from seatrial.catalogue import entries
from seatrial.events import BatchSeen, ModelSeen, NotLookedAt, ParameterInfo, Scalar, TorchSeen
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.numbers import counted, figure
from seatrial.report import curves
from seatrial.report.charts import Chart
from seatrial.report.diffs import Diff, diff_of
from seatrial.report.finding_charts import pictures
from seatrial.report.monitoring import Monitoring, monitoring
from seatrial.report.picture_kinds import Seen
from seatrial.report.sources import MOST, Quote, quotes, shown_path
from seatrial.report.trials import Experiment, Trials, trials
from seatrial.verdict import Observation, Suppressed, Unused, Verdict

MOST_ROWS = 60  # modules or parameters in a table; a report of a large network stays readable
MOST_CLASSES = 40  # bars of a histogram of classes
MOST_NETWORKS = 12
MOST_BATCHES = 30  # rows of the table of first batches
MOST_ALSO = 8  # other things that a rule said under the same name
MOST_OF_A_LIST = 12  # parts of a figure that is a list


@dataclass(frozen=True, slots=True)
class Folded:
    """A symptom: its name, and what its rule said of this run."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding with all that is shown beside it. `figures` are labels and values, `more_places` is a count,
    `experiment` is what proved it where a trial did, `charts` are pictures of what it speaks of, `diff` is its mend."""

    name: str
    severity: str
    confidence: float
    message: str
    remedy: str
    statement: str
    practice: str
    quotes: tuple[Quote, ...]
    more_places: int
    figures: tuple[tuple[str, str], ...]
    also: tuple[str, ...]
    folded: tuple[Folded, ...]
    proof: dict[str, Scalar] | None
    experiment: Experiment | None
    charts: tuple[Chart, ...] = ()
    diff: Diff | None = None


@dataclass(frozen=True, slots=True)
class ModuleRow:
    """A module that has parameters of its own."""

    path: str
    type: str
    settings: str
    parameters: int
    trainable: int


@dataclass(frozen=True, slots=True)
class Network:
    """A model: what it is, where it was made, its modules with parameters (at most MOST_ROWS) and their number."""

    type: str
    place: str
    parameters: int
    trainable: int
    modules: tuple[ModuleRow, ...]
    more: int


@dataclass(frozen=True, slots=True)
class BatchRow:
    """The first batch of its kind: what it is for, its shape and what its values look like.

    `classes` are labels and shares (0..1) of the most frequent class."""

    what: str
    shape: str
    dtype: str
    values: str
    classes: tuple[tuple[str, int, float], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All that a report shows of a run."""

    script: str
    argv: tuple[str, ...]
    status: str
    ending: str
    headline: str
    findings: tuple[Shown, ...]
    notes: tuple[Shown, ...]
    suppressed: tuple[Suppressed, ...]
    unused: tuple[Unused, ...]
    not_looked_at: tuple[NotLookedAt, ...]
    observation: Observation
    run_seconds: float
    ticks: int
    losses: tuple[curves.Curve, ...]
    rates: tuple[curves.Curve, ...]
    constant_rates: tuple[float, ...]
    gradients: tuple[curves.Curve, ...]
    parameters: tuple[curves.ParameterCurves, ...]
    monitoring: Monitoring
    networks: tuple[Network, ...]
    more_networks: int
    batches: tuple[BatchRow, ...]
    trials: Trials
    versions: str


def report(verdict: Verdict) -> Report:
    """The plain data of a verdict."""
    run = verdict.run
    start, end = run.started, run.ended
    tried, seen = trials(verdict), Seen(run, monitoring(run))
    return Report(
        script=start.script if start else "",
        argv=start.argv if start else (),
        status=verdict.status,
        ending=" ".join(filter(None, (_ending(verdict), _ranks(run)))),
        headline=headline(verdict),
        findings=_alarms(verdict, tried, seen),
        notes=tuple(_shown(each, verdict, tried, seen) for each in verdict.of("note")),
        suppressed=tuple(replace(each, by=shown_path(each.by, run)) for each in verdict.suppressed),
        unused=tuple(replace(each, by=shown_path(each.by, run)) for each in verdict.unused),
        not_looked_at=tuple(each for each in verdict.not_looked_at if not each.trial),
        observation=verdict.observation,
        run_seconds=end.seconds if end else 0.0,
        ticks=run.ticks,
        losses=curves.losses(run),
        rates=curves.learning_rates(run),
        constant_rates=curves.constant_rates(run),
        gradients=curves.gradient_norms(run),
        parameters=curves.parameters(run),
        monitoring=seen.monitoring,
        networks=tuple(_network(model, run) for model in list(run.models.values())[:MOST_NETWORKS]),
        more_networks=max(0, len(run.models) - MOST_NETWORKS),
        batches=_batches(run),
        trials=tried,
        versions=_versions(run),
    )


def headline(verdict: Verdict) -> str:
    """The verdict in one sentence."""
    # Two findings may point at the same line.
    errors = {(each.where[0].file, each.where[0].line) if each.where else each.name for each in verdict.errors}
    return sentence(len(errors), len(verdict.of("warning")), verdict.run.ticks)


def sentence(errors: int, warnings: int, ticks: int) -> str:
    """So many findings in one sentence. `errors`: places; `ticks`: backward passes that were seen."""
    if errors:
        more = f", and {_hurting(warnings, 'more thing')} the result" if warnings else ""
        return f"The program is wrong in {counted(errors, 'place')}{more}."
    if warnings:
        return f"{_hurting(warnings, 'thing')} the result."
    if not ticks:
        return "Nothing was trained: no backward pass was seen."
    return "Nothing wrong was found in what was watched."


def _hurting(number: int, thing: str) -> str:
    return f"{counted(number, thing)} most likely hurt{'s' if number == 1 else ''}"


def _ending(verdict: Verdict) -> str:
    end = verdict.run.ended
    if end is None:
        return "The run was killed; this is what was recorded until then."
    if end.status == "failed":
        at = f" at {shown_path(end.where.file, verdict.run)}:{end.where.line}" if end.where else ""
        return f"The script failed{at}: {end.exception}"
    if end.status == "interrupted":
        return "The script was interrupted; this is what was seen until then."
    return f"The script ended itself with exit status {end.exit_code}." if end.exit_code else ""


def _ranks(run: Run) -> str:
    """How many processes are judged together, where there are several."""
    if not run.ranks:
        return ""
    return f"{len(run.ranks)} ranks are judged together; curves and steps are those of rank {run.rank}."


def _alarms(verdict: Verdict, tried: Trials, seen: Seen) -> tuple[Shown, ...]:
    """Errors and warnings; a second picture that stood with a finding before is not drawn again."""
    shown: list[Shown] = []
    for finding in verdict.findings:
        if finding.severity != "note":
            each = _shown(finding, verdict, tried, seen)
            before = {chart for other in shown for chart in other.charts}
            kept = (*each.charts[:1], *(chart for chart in each.charts[1:] if chart not in before))
            shown.append(replace(each, charts=kept))
    return tuple(shown)


def _shown(finding: Finding, verdict: Verdict, tried: Trials, seen: Seen) -> Shown:
    known = entries().get(finding.name)
    messages = {each.name: each.message for each in verdict.folded}
    also = finding.evidence.get("also")
    figures = [(_label(key), _figure(value)) for key, value in finding.evidence.items() if key not in ("also", "found")]
    return Shown(
        name=finding.name,
        severity=finding.severity,
        confidence=finding.confidence,
        message=finding.message,
        remedy=finding.remedy,
        statement=known.statement if known else "",
        practice=known.practice if known else "",
        quotes=quotes(finding.where[:MOST], verdict.run),
        more_places=max(0, len(finding.where) - MOST),
        figures=tuple(figures),
        also=_some(list(map(str, also))) if isinstance(also, list) else (),
        folded=tuple(Folded(name, messages[name]) for name in finding.folded),
        proof=finding.proof,
        experiment=tried.proof_of(finding.name),
        charts=pictures(seen, finding),
        diff=diff_of(finding, verdict.run),
    )


def _figure(value: Figure) -> str:
    """A figure; of a long list the first parts and the number of the others."""
    if not isinstance(value, list) or len(value) <= MOST_OF_A_LIST:
        return figure(value)
    return f"{figure(value[:MOST_OF_A_LIST])} and {len(value) - MOST_OF_A_LIST} more"


def _some(said: list[str]) -> tuple[str, ...]:
    more = [f"{len(said) - MOST_ALSO} more of the same kind."] if len(said) > MOST_ALSO else []
    return (*said[:MOST_ALSO], *more)


def _label(key: str) -> str:
    return key.replace("_", " ")


def _network(model: ModelSeen, run: Run) -> Network:
    rows: list[ModuleRow] = []
    weights = [each for each in model.parameters if not each.is_buffer]
    for module in model.modules:
        own = [each for each in weights if each.path.rpartition(".")[0] == module.path]
        if own:
            settings = ", ".join(
                f"{key}={figure(value)}" for key, value in module.settings.items() if key != "training"
            )
            counts = _size(own), _size([each for each in own if each.requires_grad])
            rows.append(ModuleRow(module.path or "(itself)", module.type, settings, *counts))
    place = f"{shown_path(model.where.file, run)}:{model.where.line}" if model.where else ""
    total, trainable = _size(weights), _size([each for each in weights if each.requires_grad])
    return Network(model.type, place, total, trainable, tuple(rows[:MOST_ROWS]), max(0, len(rows) - MOST_ROWS))


def _size(parameters: list[ParameterInfo]) -> int:
    return sum(math.prod(each.shape) for each in parameters)


def _batches(run: Run) -> tuple[BatchRow, ...]:
    first: dict[tuple[str, int, str, int], BatchSeen] = {}
    for batch in run.batches:
        first.setdefault((batch.phase, batch.model, batch.role, batch.position), batch)
    return tuple(_batch(batch) for batch in list(first.values())[:MOST_BATCHES])


def _batch(batch: BatchSeen) -> BatchRow:
    stats = batch.stats
    values = ""
    if "mean" in stats and "std" in stats:
        values = f"{figure(stats['mean'])} ± {figure(stats['std'])}"
    if "min" in stats and "max" in stats:
        values += f", from {figure(stats['min'])} to {figure(stats['max'])}"
    most = max(batch.histogram.values(), default=1)
    classes = tuple((label, count, count / most) for label, count in list(batch.histogram.items())[:MOST_CLASSES])
    shape = " x ".join(map(str, batch.shape)) or "one number"
    return BatchRow(f"{batch.phase} {batch.role}", shape, batch.dtype.removeprefix("torch."), values, classes)


def _versions(run: Run) -> str:
    start = run.started
    torch = next(iter(run.every(TorchSeen)), None)
    parts = [f"seatrial {start.seatrial if start else __version__}"]
    parts += [f"Python {start.python}"] if start else []
    parts += [f"torch {torch.version}"] if torch else []
    return ", ".join(parts)
