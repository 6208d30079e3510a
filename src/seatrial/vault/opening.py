"""An opening of the vault: test examples in memory, and their scores in the ledger."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.numbers import decimal, percent
from seatrial.vault import bodies, digests, ledger
from seatrial.vault.archive import unpack
from seatrial.vault.encryption import decrypted
from seatrial.vault.entries import Entry
from seatrial.vault.frozen import Frozen, array_hash
from seatrial.vault.identities import Identity
from seatrial.vault.plan import Plan
from seatrial.vault.policy import Priced, Seen, price
from seatrial.vault.predictions import Predict, check_finite, checked, computing, predicted
from seatrial.vault.pricing.answer import Answer
from seatrial.vault.pricing.looks import LEVEL, widened
from seatrial.vault.pricing.noise import keyed
from seatrial.vault.refusal import damaged, disk_errors
from seatrial.vault.sealing import CONTENTS
from seatrial.vault.sources import read
from seatrial.vault.sources.source import Form, Part


@dataclass(frozen=True, slots=True)
class Result:
    """What an opening said.

    answers   by the name of the metric.
    look      the number of this opening, the first one being 1.
    against   how each answer stands against its baseline, in words.
    details   what the plan's `details` told; None where it has none.
    """

    answers: dict[str, Answer]
    look: int
    against: tuple[str, ...]
    details: Any = None

    @property
    def figures(self) -> tuple[str, ...]:
        """The answers with their intervals, and how they stand against the baseline."""
        return (*(f"{name} {_shown(answer)}" for name, answer in self.answers.items()), *self.against)

    def __str__(self) -> str:
        return "\n".join([*self.figures, next(iter(self.answers.values())).sentence])


@dataclass(frozen=True, slots=True)
class Earlier:
    """An opening that stands in the ledger. `result`: what it said; None where it was interrupted before its scores were written."""

    look: int
    result: Result | None


class Opening:
    """A vault that was opened, once, for one frozen model and one plan. The plan stands in the ledger already.

    The sealed data are decrypted in memory, a part at a time, as often as they are asked for until the scores are written down.
    """

    def __init__(
        self,
        vault: Path,
        identity: Identity,
        entries: tuple[Entry, ...],
        model: Frozen,
        plan: Plan,
        training: float | None,
        undamaged: digests.State,
    ) -> None:
        self.vault = vault
        self.look = bodies.opened(entries[-1]).look
        self._identity = identity
        self._sealed, self._entry = bodies.sealed(entries[0]), entries[-1]
        self._model, self._plan, self._training = model, plan, training
        self._undamaged = undamaged  # how the sealed file was when it was last checked
        self._scored = False
        self._answered: tuple[int, dict[str, Any], Priced] | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes in order, where they are known: a prediction may be such a name or its number."""
        return self._sealed.classes

    def parts(self) -> Generator[Part]:
        """The test examples, some at a time.

        Raises:
            UsageProblem: the scores were written down already.
            Damaged: what was sealed is not what the ledger says.
        """
        self._check_open()
        with disk_errors("Reading the vault", self.vault), self.vault.open("rb", buffering=0) as file:
            if digests.state(file) != self._undamaged:
                self._undamaged = digests.check(file, self.vault, self._sealed.digest)
            with (
                contextlib.closing(decrypted(file, self.vault, self._identity.age)) as stream,
                contextlib.closing(unpack(stream)) as files,
            ):
                yield from self._parts(files)

    def score(self, predict: Predict) -> Result:
        """Predict all test examples, score the predictions and write both down: the end of this opening.

        Args:
            predict: predictions for the inputs of a part (see `Part`): an array with one entry an example.

        Raises:
            UsageProblem: the predictions do not fit, or the model is another one than the frozen one.
        """
        targets, predictions = self._predicted(predict)
        self._answered = None
        if self._model.again() != self._model.hash:
            raise UsageProblem(
                f"Expected {self._model.of} to be what it was when the vault was opened, found it changed.",
                "vault-model-changed",
                "Predict in evaluation mode and train nothing on test data. This look counts.",
            )
        seen = Seen(targets, predictions, self._training)
        self._priced(seen, ledger.seen(self.vault)[0])  # here, since others wait while an entry is added
        with computing(self._plan):
            details = self._details(seen)
        entries = ledger.append(self.vault, self._identity, partial(self._compose, seen))
        self._scored = True
        return replace(result_of(entries[-1], self._entry), details=details)

    # ---- inner steps ---------------------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._scored:
            raise UsageProblem(
                "Expected an opening whose scores are still to be taken, found them taken.",
                "vault-scored",
                "Another look is another opening: vault.open(...). It is counted.",
            )

    def _parts(self, files: Iterator[tuple[str, bytes]]) -> Iterator[Part]:
        expected, found = self._sealed.examples.test, 0
        with self._readable():
            form = self._form(next(files, ("", b"")))
        for name, content in files:
            with self._readable():
                part = read(form, name, content)
            found += part.examples
            yield part
        if found != expected:
            raise damaged(f"{self.vault} holds {found:,} examples instead of {expected:,}.", "vault-content")

    def _form(self, first: tuple[str, bytes]) -> Form:
        about: dict[str, Any] = json.loads(first[1]) if first[0] == CONTENTS else {}
        if about.get("vault") != self._sealed.vault:
            raise damaged(f"{self.vault} holds other data than its ledger says: it was exchanged.", "vault-exchanged")
        form = about["form"]
        return Form(form["kind"], form["target"], tuple(form["fields"]), form["settings"])

    @contextlib.contextmanager
    def _readable(self) -> Generator[None]:
        """What was sealed may come from somebody else: whatever its reader stumbles over is damage, and told as that."""
        try:
            yield
        except UsageProblem:
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            raise damaged(f"What is sealed in {self.vault} cannot be read ({said}).", "vault-content") from error

    def _predicted(self, predict: Predict) -> tuple[NDArray[Any], NDArray[Any]]:
        targets: list[NDArray[Any]] = []
        predictions: list[NDArray[Any]] = []
        for part in self.parts():
            if part.targets is None:
                raise UsageProblem(
                    "Expected to know the answers, found that no target was named when the vault was sealed.",
                    "vault-no-target",
                    "Seal it with --target; or read the examples with opening.parts().",
                )
            predictions.append(checked(predicted(predict, part.inputs), part.examples, predictions))
            targets.append(part.targets.copy())  # a view would keep the whole part in memory
        return self._comparable(np.concatenate(targets), np.concatenate(predictions))

    def _comparable(self, targets: NDArray[Any], predictions: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Names of classes and their numbers are made the same."""
        if targets.dtype.kind in "US" and predictions.dtype.kind in "iu" and predictions.ndim == 1:
            names = np.array(self.classes)
            if names.size and predictions.min() >= 0 and predictions.max() < names.size:
                return targets, names[predictions]
        return targets, predictions

    def _compose(self, seen: Seen, entries: tuple[Entry, ...]) -> tuple[str, dict[str, Any]]:
        before = [bodies.scored(each) for each in entries if each.kind == "scored"]
        if any(each.opening == self._entry.number for each in before):
            raise UsageProblem(
                "Expected an opening without scores, found them written.", "vault-scored", "Open it again."
            )
        return "scored", self._written(self._priced(seen, entries), seen)

    def _priced(self, seen: Seen, entries: tuple[Entry, ...]) -> Priced:
        """The answers, by what the ledger says; computed once as long as it says the same."""
        states = [bodies.scored(each).state for each in entries if each.kind == "scored"]
        looks, state = sum(each.kind == "opened" for each in entries), states[-1] if states else {}
        if self._answered is None or self._answered[:2] != (looks, state):
            noise = keyed(self._identity.secret(f"vault {self._sealed.vault}"))
            with computing(self._plan):
                priced = price(self._sealed.policy, self._plan, seen, looks, state, noise)
            for name, answer in priced.answers.items():
                check_finite(name, answer.value)
            self._answered = looks, state, priced
        return self._answered[2]

    def _details(self, seen: Seen) -> Any:
        if self._plan.details is None:
            return None
        return self._plan.details(seen.targets, seen.predictions, widened(LEVEL, self.look))

    def _written(self, priced: Priced, seen: Seen) -> dict[str, Any]:
        return {
            "opening": self._entry.number,
            "look": self.look,
            "examples": len(seen.targets),
            "predictions": array_hash("predictions", seen.predictions).hex(),
            "answers": {name: asdict(answer) for name, answer in priced.answers.items()},
            "state": priced.state,
        }


def result_of(scored: Entry, opened: Entry) -> Result:
    """What was said, read from the ledger."""
    body, plan = bodies.scored(scored), bodies.opened(opened)
    baseline = plan.baseline
    names = sorted(body.answers, key=lambda name: plan.metrics.index(name) if name in plan.metrics else -1)
    answers = {name: body.answers[name] for name in names}
    against = tuple(_against(name, answer, baseline[name]) for name, answer in answers.items() if name in baseline)
    return Result(answers, body.look, against)


def earlier(entries: tuple[Entry, ...], model: str, plan: Plan, reason: str) -> Earlier | None:
    """The last opening for the model with this hash, with this plan and for this reason; None where there was none."""
    written = json.loads(json.dumps(plan.written))  # as it was read
    for entry in reversed(entries):
        if entry.kind != "opened" or entry.body["plan"] != written:
            continue
        body = bodies.opened(entry)
        if body.model["hash"] == model and body.reason == reason:
            scores = [each for each in entries if each.kind == "scored" and bodies.scored(each).opening == entry.number]
            return Earlier(body.look, result_of(scores[0], entry) if scores else None)
    return None


def _against(name: str, answer: Answer, baseline: float) -> str:
    if answer.interval is None or answer.value is None:
        return (
            f"{name}: the baseline is {decimal(baseline)}; without an interval nothing can be said of the difference."
        )
    low, high = answer.interval.low, answer.interval.high
    if low <= baseline <= high:
        return f"{name}: the baseline {decimal(baseline)} lies within the interval: no difference is shown."
    side = "below" if baseline < low else "above"
    return f"{name}: the baseline {decimal(baseline)} lies {side} the interval."


def _shown(answer: Answer) -> str:
    if answer.value is None:
        return "not answered: the budget is spent"
    if answer.interval is None:
        return decimal(answer.value)
    interval = answer.interval
    return f"{decimal(answer.value)}  [{decimal(interval.low)}, {decimal(interval.high)}] at {percent(interval.level)}, {interval.method}"
