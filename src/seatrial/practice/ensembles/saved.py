"""An ensemble as it is kept: a file that names its members by their hashes, and with it what they say together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from numpy.typing import NDArray

from seatrial.evaluation.calibration.temperature import rescaled
from seatrial.evaluation.predictions import KINDS, Kind, Predictions
from seatrial.evaluation.voting.votes import soft
from seatrial.files import replace as write_file
from seatrial.practice.ensembles.choice import Combination
from seatrial.practice.ensembles.member import KINDS as MEMBERS
from seatrial.practice.ensembles.member import Member, said_by
from seatrial.practice.refusal import refused
from seatrial.practice.task import Data, Task
from seatrial.practice.unchanged import unchanged

FILE = "ensemble.json"
_FORMAT = 1
_ANEW = "Make the ensemble anew."


@dataclass(frozen=True, slots=True)
class Voice:
    """A member with a weight: its name, kind, file (relative to the ensemble's folder) and that file's SHA-256."""

    name: str
    kind: str
    file: str
    sha256: str
    weight: float


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Members of a task that answer together, by the weighted mean of their probabilities (or of their logarithms) or numbers, and one
    temperature after it.

    file    ensemble.json. It holds the hashes of all members: its own hash changes with any of them, so that it stands for the
            whole as a frozen model: `vault.open(ensemble.file, plan, reason).score(ensemble.predictor())`. For `seatrial vault open`, a
            file with `def predictor(weights): return Ensemble.load(weights, task).predictor()`.
    """

    task: Task
    file: Path
    kind: Kind
    classes: tuple[str, ...]
    voices: tuple[Voice, ...]
    vote: Literal["probabilities", "logs"] = "probabilities"
    temperature: float = 1.0

    @staticmethod
    def load(path: str | Path, task: Task) -> Ensemble:
        """The ensemble in a folder, or of its ensemble.json.

        Raises:
            UsageProblem: there is none, or a member is another file than the one that was chosen.
        """
        file = Path(path) if Path(path).is_file() else Path(path) / FILE
        if not file.is_file():
            raise refused(f"an ensemble in {path}", f"no {FILE}", "ensemble-none", "Make one with seatrial ensemble.")
        try:
            found = json.loads(file.read_text())
            voices = tuple(Voice(**each) for each in found["members"])
            if (
                found["format"] != _FORMAT
                or found["kind"] not in KINDS
                or any(each.kind not in MEMBERS for each in voices)
            ):
                raise ValueError(f"format {found['format']}, {found['kind']}")
            kind, classes = found["kind"], tuple(found["classes"])
            vote, temperature = found["vote"], float(found["temperature"])
        except (ValueError, KeyError, TypeError) as error:
            raise refused(f"an ensemble in {file}", str(error), "ensemble-file", _ANEW) from error
        for each in voices:
            _check(file.parent / each.file, each.sha256)
        return Ensemble(task, file, kind, classes, voices, vote, temperature)

    def predict(
        self, data: Data, *, data_name: str = "", groups: NDArray[Any] | None = None, device: torch.device | None = None
    ) -> Predictions:
        """What the members say together of some data of the task.

        Raises:
            UsageProblem: the data do not fit, or their answers are of another kind than those that the ensemble was made for.
        """
        with unchanged():
            said = [self._said(each, data, data_name, device) for each in self.voices]
        together = soft(said, [each.weight for each in self.voices], of=self.vote, model="ensemble")
        if self.temperature != 1.0:
            together = rescaled(together, self.temperature)
        return replace(together, groups=groups)

    def predictor(
        self, of: Literal["labels", "scores"] = "labels", device: torch.device | None = None
    ) -> Callable[[Sequence[Any]], NDArray[Any]]:
        """A function of inputs, as a vault's opening asks for: `opening.score(ensemble.predictor())`.

        Args:
            of: the "labels" that are answered, (n,) class indexes or numbers; or the "scores": probabilities (n, classes), of two
                classes that of the second (n,).
        """
        return lambda inputs: getattr(self.predict(Inputs(inputs, self.task), device=device), of)  # pyright: ignore[reportArgumentType]

    def _said(self, voice: Voice, data: Data, data_name: str, device: torch.device | None) -> Predictions:
        path = self.file.parent / voice.file
        _check(path, voice.sha256)  # again: a frozen model is what it was
        found = said_by(voice.kind, self.task, path, data, device, name=voice.name, data_name=data_name)
        if found.kind != self.kind:
            raise refused(f"answers as the ensemble gives them, {self.kind}", found.kind, "ensemble-kind", _ANEW)
        return found


def save(folder: Path, task: Task, members: Sequence[Member], how: Combination) -> Ensemble:
    """Write the ensemble of those members that have a weight. Their files lie in the folder."""
    first = members[0].predictions
    voices = tuple(
        Voice(each.name, each.kind, str(each.file.relative_to(folder)), _hash(each.file), float(weight))
        for each, weight in zip(members, how.weights, strict=True)
        if weight > 0
    )
    vote = how.recipe.vote if how.recipe is not None else "probabilities"
    return _written(Ensemble(task, folder / FILE, first.kind, first.classes, voices, vote, how.temperature))


def having_learnt_anew(of: Ensemble, task: Task, folder: Path, files: Mapping[str, Path]) -> Ensemble:
    """The same votes with the same weights and temperature of other files of the members, by their names; written to another folder, in
    which these lie."""
    voices = tuple(
        replace(each, file=str(files[each.name].relative_to(folder)), sha256=_hash(files[each.name]))
        for each in of.voices
    )
    return _written(replace(of, task=task, file=folder / FILE, voices=voices))


# ---- inner steps -------------------------------------------------------------------------------------------------


def _written(made: Ensemble) -> Ensemble:
    written = {
        "format": _FORMAT,
        "task": made.task.name,
        "kind": made.kind,
        "classes": made.classes,
        "vote": made.vote,
        "temperature": made.temperature,
        "members": [{name: getattr(each, name) for name in Voice.__slots__} for each in made.voices],
    }
    write_file(made.file, json.dumps(written, indent=1).encode())
    return Ensemble.load(made.file, made.task)


class Inputs:
    """Inputs without targets as data of the task: each with the targets of some training example, which nobody looks at."""

    def __init__(self, inputs: Sequence[Any], task: Task) -> None:
        self.inputs, self.task = inputs, task

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, at: int) -> tuple[Any, ...]:
        given, training = self.inputs[at], self.task.train
        others = self.task.split(training[at % len(training)])[1]  # pyright: ignore[reportArgumentType]
        return (*(given if isinstance(given, (tuple, list)) else (given,)), *others)


def _check(path: Path, sha256: str) -> None:
    found = _hash(path) if path.is_file() else "no file"
    if found != sha256:
        raise refused(f"{path} as it was chosen (SHA-256 {sha256[:12]}...)", found[:12], "ensemble-changed", _ANEW)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
