"""The folder of an ensemble while it is made: what is finished is not made again after an interruption."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Predictions
from seatrial.files import replace
from seatrial.practice.ensembles.member import Member

_PLAN = "plan.json"
_FORMAT = 1


class Store:
    """plan.json (what was asked for), members/NAME.safetensors and .json, predictions/NAME.npz, trainings/NAME/."""

    def __init__(self, folder: Path, about: dict[str, Any]) -> None:
        """Go on with what stands in the folder, or begin.

        Args:
            about: what decides the members (task, settings ...): others do not go on in the same folder.

        Raises:
            UsageProblem: the folder holds another ensemble, or something else.
        """
        self.folder = folder
        self._about = json.loads(json.dumps(about))  # as it will be read again
        self._found: dict[str, Any] = {}
        path = folder / _PLAN
        if path.exists():
            self._read(path)
        elif folder.exists() and any(folder.iterdir()):
            found = ", ".join(sorted(each.name for each in folder.iterdir())[:3])
            raise UsageProblem(
                f"Expected an empty folder or one of an ensemble at {folder}, found other things in it ({found}).",
                "ensemble-folder",
                "Give --out another folder.",
            )
        for part in ("members", "predictions", "trainings"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        self._write()

    def weights(self, name: str) -> Path:
        """The file of what a member has learnt."""
        return self.folder / "members" / f"{name}.safetensors"

    def training(self, name: str) -> Path:
        """The folder of a training."""
        return self.folder / "trainings" / name

    def value(self, name: str) -> Any:
        """What was found on the way; None before it was."""
        return self._found.get(name)

    def remember(self, name: str, value: Any) -> None:
        """Something was found that shall be the same after an interruption."""
        self._found[name] = value
        self._write()

    def keep(self, name: str, kind: str, origin: str, predictions: Predictions) -> Member:
        """A member is finished; its weights are in its file."""
        predictions.write(self.folder / "predictions" / f"{name}.npz")
        replace(self._told(name), json.dumps({"kind": kind, "origin": origin}, indent=1).encode())
        return self.member(name)

    def has(self, name: str) -> bool:
        """Whether a member is finished."""
        return self._told(name).exists()

    def member(self, name: str) -> Member:
        """A finished one."""
        told = json.loads(self._told(name).read_text())
        predictions = Predictions.read(self.folder / "predictions" / f"{name}.npz")
        return Member(name, told["kind"], told["origin"], self.weights(name), predictions)

    # ---- inner steps ---------------------------------------------------------------------------------------------

    def _told(self, name: str) -> Path:
        return self.folder / "members" / f"{name}.json"

    def _read(self, path: Path) -> None:
        try:
            plan = json.loads(path.read_text())
            about, found, number = plan["about"], plan["found"], plan["format"]
        except (ValueError, KeyError, TypeError) as error:
            hint = "Remove the folder, or give --out another one."
            raise UsageProblem(
                f"Expected the plan of an ensemble in {path}, found: {error}.", "ensemble-plan", hint
            ) from error
        other = [key for key in self._about if about.get(key) != self._about[key]]
        if number != _FORMAT or other:
            changed = ", ".join(f"{key} {about.get(key)!r} before and {self._about[key]!r} now" for key in other)
            raise UsageProblem(
                f"Expected the ensemble that was begun in {self.folder}, found another one: {changed or 'format'}.",
                "ensemble-other",
                "Ask for the same, or give --out another folder.",
            )
        self._found = found

    def _write(self) -> None:
        plan = {"format": _FORMAT, "about": self._about, "found": self._found}
        replace(self.folder / _PLAN, json.dumps(plan, indent=1).encode())
