"""Where a worker gets the space: it runs the file anew, or is handed the object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seatrial.practice.refusal import refused, shown
from seatrial.practice.search.space import Space, space_of
from seatrial.practice.task import Task
from seatrial.practice.taskfile import run

FUNCTION = "space"


@dataclass(frozen=True)
class Source:
    """`words`: FILE.py[:NAME] as it was given; or `given`, a task or a function. `validation_share`, `seed`: as of `Space`."""

    words: str
    given: Any
    validation_share: float
    seed: int

    def load(self) -> Space:
        """The space.

        Raises:
            UsageProblem: the file describes none.
        """
        given = found(self.words) if self.words else self.given
        return space_of(given, self.validation_share, self.seed)


def found(words: str) -> Any:
    """Run a file; the function or task of the name that was asked for, else its function `space`, else its task.

    Raises:
        UsageProblem: the file fails, or there is nothing of the kind in it.
    """
    described = run(words)
    asked = described.names.get(described.name or FUNCTION)
    if callable(asked) and not isinstance(asked, (Task, type)):
        return asked
    if described.name and asked is not None and not isinstance(asked, Task):
        wanted = f"a Task or a function of a trial called {described.name} in {described.program.name}"
        hint = "The function asks its trial for values and returns a Task."
        raise refused(wanted, shown(asked), "search-space", hint)
    return described.task()
