"""Which suspected causes are tried, and in what order: those whose rules know a mend, the most important first."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.config import Config
from seatrial.events import Event, NotLookedAt
from seatrial.findings import Finding, Mend
from seatrial.history import Run
from seatrial.rules import discover
from seatrial.rules.graph import Graph
from seatrial.rules.proofs import learned_little
from seatrial.step.replay import NotReplayable
from seatrial.trials import MOST_PROOFS, PROOF_SECONDS, Extent
from seatrial.trials.counterfactual import forked
from seatrial.trials.plan import Plan
from seatrial.verdict import judge

# Notes of this confidence are tried too, where the training learned little.
SUSPECTED = 0.5


def proofs(known: Plan, run: Run, config: Config, given: Extent) -> Iterator[Event]:
    """Forks for each suspected cause, until the time is used up."""
    suspects = list(_suspects(run, config, Graph(known.step.seen)))
    for number, (finding, mend) in enumerate(suspects[:MOST_PROOFS]):
        seconds = min(PROOF_SECONDS, given.left / (min(len(suspects), MOST_PROOFS) - number))
        try:
            yield forked(known, finding.name, mend, seconds, given.tell)
        except NotReplayable as reason:
            yield NotLookedAt(f"a proof of {finding.name}", str(reason))
        except Exception as error:
            yield NotLookedAt(f"a proof of {finding.name}", f"{type(error).__name__}: {str(error)[:200]}")


def _suspects(run: Run, config: Config, graph: Graph) -> Iterator[tuple[Finding, Mend]]:
    rules, poor = discover(), learned_little(run)
    for finding in judge(run.events, config).findings:
        rule = rules.get(finding.name)
        mend = rule.mend(run, finding, graph) if rule is not None and rule.mend is not None else None
        if mend is not None and (finding.severity != "note" or (finding.confidence >= SUSPECTED and poor)):
            yield finding, mend
