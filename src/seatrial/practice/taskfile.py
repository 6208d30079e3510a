"""The task that a Python file describes: `FILE.py`, or `FILE.py:NAME` where it has several."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from torch import nn
from torch.utils.data import Dataset

from seatrial.catalogue import nearest
from seatrial.errors import UsageProblem
from seatrial.launch.program import Program, load, ready
from seatrial.practice.refusal import failed, refused, shown
from seatrial.practice.task import Task

# The file runs as a module of this name: what stands under `if __name__ == "__main__":` is not for us.
MODULE = "__task__"


def find(words: str) -> tuple[Program, Task]:
    """Run a file and take its task.

    Raises:
        UsageProblem: the file is not there, is not Python, fails, or has no task or several of them.
    """
    described = run(words)
    return described.program, described.task()


@dataclass(frozen=True)
class Described:
    """A file that has run: its names, and the one that was asked for ("" for none)."""

    program: Program
    name: str
    names: dict[str, Any]

    def task(self) -> Task:
        """The task that was asked for, or the only one.

        Raises:
            UsageProblem: there is none, or several.
        """
        file = self.program.name
        tasks = {key: value for key, value in self.names.items() if isinstance(value, Task)}
        if self.name:
            return _named(file, self.name, self.names, tasks)
        several = {id(task): key for key, task in reversed(tasks.items())}
        if not several:
            raise _none(file, self.names)
        if len(several) > 1:
            choices = sorted(several.values())
            raise refused(
                f"one Task in {file}",
                f"{len(choices)}: {', '.join(choices)}",
                "several-tasks",
                f"Say which: seatrial check {file}:{choices[0]}",
            )
        return next(iter(tasks.values()))


def run(words: str) -> Described:
    """Run a file that describes tasks.

    Raises:
        UsageProblem: it is not there, is not Python, or fails.
    """
    program, name = program_of(words)
    argv = sys.argv, sys.orig_argv
    ready(program)
    try:
        names = _run(program)
    finally:
        sys.argv, sys.orig_argv = argv  # other processes of a training are started by what started this one
    return Described(program, name, names)


def program_of(words: str) -> tuple[Program, str]:
    """The file that is meant, and the name in it; "" where none was given."""
    file, colon, name = words.rpartition(":")
    file, name = (file, name) if colon and file and name.isidentifier() else (words, "")
    return Program(file, False, ()), name


def _run(program: Program) -> dict[str, Any]:
    loaded = load(program)
    module = ModuleType(MODULE)
    module.__file__ = loaded.file
    sys.modules[MODULE] = module
    try:
        loaded.run(vars(module))
    except UsageProblem:
        raise
    except (Exception, SystemExit) as error:
        raise failed(f"Running {program.name}", error, f"`python {program.name}` shows where.") from error
    return {key: value for key, value in vars(module).items() if not key.startswith("__")}


def _named(file: str, name: str, names: dict[str, Any], tasks: dict[str, Task]) -> Task:
    if name in tasks:
        return tasks[name]
    near = nearest(name, tasks)
    choices = f"Its tasks: {', '.join(tasks)}." if tasks else "It has no Task."
    hint = f"Did you mean {near[0]}?" if near else choices
    found = f"{shown(names[name])} of that name" if name in names else "no such name"
    raise refused(f"a Task called {name} in {file}", found, "no-task", hint)


def _none(file: str, names: dict[str, Any]) -> UsageProblem:
    """What was found instead, and the lines to add."""
    own = {key: value for key, value in names.items() if getattr(value, "__module__", MODULE) == MODULE}
    networks = [key for key, value in own.items() if isinstance(value, type) and issubclass(value, nn.Module)]
    modules = [key for key, value in names.items() if isinstance(value, nn.Module)]
    data = [key for key, value in names.items() if isinstance(value, Dataset)]
    seen = [f"the network {key}" for key in networks] + [f"the module {key}" for key in modules]
    seen += [f"the data {key}" for key in data]
    found = f"none, but {', '.join(seen[:6])}" if seen else "none, and no network or data either"
    model = (networks or modules or ["Net"])[0]
    lines = f"from torch import nn\nfrom seatrial import Task\ntask = Task({model}, nn.CrossEntropyLoss(), {(data or ['train_data'])[0]})"
    return refused(f"a Task in {file}", found, "no-task", f"Add to the file, with your own loss:\n\n{lines}\n\n")
