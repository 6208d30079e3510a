"""What the number of looks does to a claim, in the words that a report prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.numbers import decimal, percent
from seatrial.vault.pricing.answer import Interval

if TYPE_CHECKING:
    from seatrial.vault.pricing.ladder import LadderState


def exact(looks: int, interval: Interval | None, worst: Interval | None, optimism: float) -> str:
    """Of an exact score at the `looks`-th opening."""
    stands = "No interval can be computed: all values are the same."
    if looks == 1:
        if interval is not None:
            stands = f"The {percent(interval.level)} interval of this score, {_range(interval)}, holds as it stands."
        return f"This is the first time that the vault was opened: nothing was chosen by its data yet. {stands}"
    if interval is not None:
        stands = (
            f"The {percent(interval.level)} interval of this score, {_range(interval)}, is widened for {looks} looks. It holds if no "
            "model was chosen by an earlier answer."
        )
    led = "If earlier answers led to this model, "
    led += (
        f"only {_range(worst)} is guaranteed."
        if worst is not None
        else "nothing is: a score of many digits tells much."
    )
    best = f"The best of {looks} equally good models looks too good by about {decimal(optimism, 2)}."
    return f"The vault was opened {looks} times. {best} {stands} {led}"


def ladder(state: LadderState, step: float, interval: Interval) -> str:
    """Of a Ladder's answer; `state` after it."""
    news = _news(state, f"by more than the step of {decimal(step, 2)}")
    return (
        f"The vault was opened {state.looks} time{_s(state.looks)}, through the Ladder. {news}. Whatever models its answers "
        f"led to, with probability {percent(interval.level)} the best one has a true loss in {_range(interval)}."
    )


def parameter_free(state: LadderState) -> str:
    """Of the parameter-free Ladder's answer; `state` after it."""
    news = _news(state, "by more than one standard error of the difference")
    return (
        f"The vault was opened {state.looks} time{_s(state.looks)}, through the parameter-free Ladder. {news}. It answers only "
        "to clear improvements, which keeps most of the test set from leaking; a bound on the error is not proven for it, and who "
        "changes a few answers at a time gets through."
    )


def thresholdout(questions: int, left: int, budget: int, spoke: bool, tolerance: float | None) -> str:
    """Of an answer of Thresholdout."""
    source = (
        "The test set differs from the training set here, and the answer is its value with noise"
        if spoke
        else "The test set agrees with the training set here, and the answer is the training value: no budget was spent"
    )
    proven = (
        f"With enough test examples it lies within {decimal(tolerance)} of the truth"
        if tolerance is not None
        else "Its parameters are those of the published experiment, not those of the theorem"
    )
    return (
        f"The vault was asked {questions} time{_s(questions)}, through Thresholdout. {source}. {proven}; the test set may "
        f"speak {left} more time{_s(left)} of {budget}."
    )


def spent(questions: int, budget: int) -> str:
    """Of a question that is not answered any more."""
    return (
        f"Expected a budget with an answer left, found it spent: the test set has spoken {budget} time{_s(budget)} in "
        f"{questions} questions, and another answer would hold for the test set alone. Seal fresh data. [budget-spent]"
    )


def _news(state: LadderState, more: str) -> str:
    if state.looks == 1:
        return "This is the first answer, the one to be improved on"
    if state.improved:
        return f"This model is better than the best one before it {more}"
    return f"This model is not better than that of look {state.leader} {more}: the answer is still that one's"


def _range(interval: Interval) -> str:
    return f"[{decimal(interval.low)}, {decimal(interval.high)}]"


def _s(number: int) -> str:
    return "" if number == 1 else "s"
