"""What the vault answers, by the rule that was chosen when it was sealed: the first time exactly, then at a price."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.vault.metrics import Metric
from seatrial.vault.plan import Plan
from seatrial.vault.pricing import looks as exact_looks
from seatrial.vault.pricing.answer import Answer
from seatrial.vault.pricing.ladder import Ladder, LadderState, published_step
from seatrial.vault.pricing.noise import Noise
from seatrial.vault.pricing.thresholdout import Thresholdout, ThresholdoutState
from seatrial.vault.refusal import damaged

RULES = ("widened", "ladder", "thresholdout")
# For so many looks the step of the Ladder is chosen; so often the test data speak through Thresholdout.
LOOKS, BUDGET = 100, 10


@dataclass(frozen=True, slots=True)
class Policy:
    """rule    "widened": exact scores, their intervals widened for the number of looks; "ladder": an answer only where a model is
            clearly better than the best before it; "thresholdout": noisy answers, and only where the training data say something else.
    looks   for how many looks the Ladder's step is chosen.
    budget  how often Thresholdout lets the test data speak.

    Raises:
        UsageProblem: there is no such rule.
    """

    rule: str = "widened"
    looks: int = LOOKS
    budget: int = BUDGET

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise UsageProblem(
                f"Expected one of {', '.join(RULES)}, found {self.rule!r}.", "vault-pricing", "See docs/vault.md."
            )
        if self.looks < 1 or self.budget < 1:
            found = f"{self.looks} looks and a budget of {self.budget}"
            raise UsageProblem(f"Expected numbers from 1 on, found {found}.", "vault-pricing", "Give larger ones.")

    def check(self, plan: Plan, *, look: int, training: bool) -> None:
        """Refuse a plan that cannot be answered, before anything is opened. `training`: the score on the training data is given.

        Raises:
            UsageProblem: the rule answers another kind of question.
        """
        if self.rule == "widened":
            return
        scores = plan.scores
        if plan.details is not None:
            hint = "Leave the details out: they would tell more of the test data than the mechanism does."
            wanted = f"a plan without details, since the vault answers through its {self.rule}"
            raise UsageProblem(f"Expected {wanted}, found some.", "vault-plan", hint)
        if len(scores) != 1 or scores[0].losses is None:
            found = ", ".join(each.name for each in scores)
            hint = "This was chosen when the vault was sealed."
            wanted = f"a plan with accuracy or error alone, since the vault answers through its {self.rule}"
            raise UsageProblem(f"Expected {wanted}, found {found}.", "vault-plan", hint)
        if self.rule == "thresholdout" and look > 1 and not training:
            raise _without_training()

    def check_state(self, state: dict[str, Any], place: str) -> None:
        """Whether the next answer can go on from this state. `place` names the entry that holds it.

        Raises:
            Damaged: it cannot: it is not what this rule remembers.
        """
        remembered = {"widened": None, "ladder": LadderState(), "thresholdout": ThresholdoutState()}[self.rule]
        fields = {} if remembered is None else asdict(remembered)
        numbers = [value for name, value in state.items() if name != "best" or value is not None]
        finite = all(type(each) in (int, float) and 0 <= each < math.inf for each in numbers)
        if state.keys() != fields.keys() or not finite:
            raise damaged(f"{place} does not hold what the {self.rule} rule remembers.", "vault-ledger-line")


@dataclass(frozen=True, slots=True)
class Seen:
    """Test examples and what a model says of them: n answers, n predictions or rows of probabilities; the score on the training data
    where one was given."""

    targets: NDArray[Any]
    predictions: NDArray[Any]
    training: float | None = None


@dataclass(frozen=True, slots=True)
class Priced:
    """The answers by metric, and what must be remembered for the next ones."""

    answers: dict[str, Answer]
    state: dict[str, Any]


def price(policy: Policy, plan: Plan, seen: Seen, looks: int, state: dict[str, Any], noise: Noise) -> Priced:
    """What is said when the vault has been opened so many times. `state`: what was remembered at the answer before; `noise`: of this vault."""
    if policy.rule == "ladder":
        return _by_ladder(policy, plan, seen, looks, state)
    if policy.rule == "thresholdout":
        return _by_thresholdout(policy, plan, seen, looks, state, noise)
    return Priced({each.name: _exactly(each, seen, looks) for each in plan.scores}, {})


def _exactly(metric: Metric, seen: Seen, looks: int) -> Answer:
    if metric.losses is None:
        return exact_looks.exact_metric(metric.compute, (seen.targets, seen.predictions), looks)
    losses = metric.losses(seen.targets, seen.predictions)
    return exact_looks.exact(1 - losses if metric.higher_is_better else losses, looks)


def _by_ladder(policy: Policy, plan: Plan, seen: Seen, looks: int, state: dict[str, Any]) -> Priced:
    metric = plan.scores[0]
    assert metric.losses is not None
    losses = metric.losses(seen.targets, seen.predictions)
    ladder = Ladder(published_step(len(losses), policy.looks))
    if looks == 1:
        answer, after = ladder.first(losses)
    else:
        answer, after = ladder.answer(LadderState(**state) if state else LadderState(), losses)
    return Priced({"error": answer}, asdict(after))


def _by_thresholdout(policy: Policy, plan: Plan, seen: Seen, looks: int, state: dict[str, Any], noise: Noise) -> Priced:
    metric = plan.scores[0]
    before = ThresholdoutState(**state) if state else ThresholdoutState()
    if looks == 1:
        return Priced({metric.name: _exactly(metric, seen, looks)}, asdict(before))
    if seen.training is None:  # it was the first look when it began
        raise _without_training()
    value = metric.compute(seen.targets, seen.predictions)
    mechanism = Thresholdout.usual(len(seen.targets), policy.budget)
    answer, after = mechanism.answer(before, seen.training, value, noise)
    return Priced({metric.name: answer}, asdict(after))


def _without_training() -> UsageProblem:
    return UsageProblem(
        "Expected the score on the training data, which Thresholdout compares with, found none.",
        "vault-training-score",
        "Give training= (--training-score), measured in the same way.",
    )
