"""`search`: from a task or a space to the hyperparameters with which it ends best."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from seatrial.catalogue import nearest
from seatrial.practice.fitting.fit import check_choice
from seatrial.practice.fitting.order import steps_each
from seatrial.practice.refusal import refused, shown
from seatrial.practice.search.board import Board, is_end
from seatrial.practice.search.display import Display
from seatrial.practice.search.outcome import Search
from seatrial.practice.search.settings import SearchSettings
from seatrial.practice.search.showing import write
from seatrial.practice.search.source import Source
from seatrial.practice.search.space import Space
from seatrial.practice.search.storage import JOURNAL, opened
from seatrial.practice.search.worker import Workplace, work_on
from seatrial.practice.task import Task
from seatrial.practice.unchanged import seed, unchanged


def search(
    task: Task | Callable[[Any], Task] | str,
    *,
    settings: SearchSettings | None = None,
    out: Path | str | None = None,
    workers: int = 0,
    storage: str = "",
    name: str = "search",
    ray: str = "",
    progress: bool = True,
    **changes: Any,
) -> Search:
    """Search the hyperparameters with which a task ends best, by its validation data alone.

    Args:
        task: a task, whose learning rate and weight decay are searched; or a function of an Optuna trial that returns a task; or
            FILE.py[:NAME], where one of them is described.
        settings: how far the search goes; or some of its fields by name: `trials=24, epochs=10`.
        out: a folder for the report, the journal and the folders of all trainings. A search that was interrupted there goes on.
            Nothing is kept if none is given.
        workers: processes of this machine; 0: none but this one.
        storage: postgresql://... for several machines, each of which is given the same; the journal in `out` if left out.
        name: of the search in the storage.
        ray: the address of a Ray cluster whose workers do the work ("local" starts one here).
        progress: whether to show what is going on.

    Raises:
        UsageProblem: the task, the space or a setting is not what it should be; or `out` holds another search.
    """
    _check_names(changes)
    chosen = replace(settings or SearchSettings(), **changes)
    words = task if isinstance(task, str) else ""
    source = Source(words, None if words else task, chosen.validation_share, chosen.seed)
    if out is not None:
        folder = Path(out).resolve()
        found = _searched(source, chosen, folder, workers, storage, name, ray, progress)
        write(found, folder)
        return found
    with tempfile.TemporaryDirectory() as scratch:
        return _searched(source, chosen, Path(scratch), workers, storage, name, ray, progress)


def _searched(
    source: Source,
    settings: SearchSettings,
    folder: Path,
    workers: int,
    storage: str,
    name: str,
    ray: str,
    progress: bool,
) -> Search:
    folder.mkdir(parents=True, exist_ok=True)
    where = storage or str(folder / JOURNAL)
    with opened(where) as opened_storage:
        space = source.load()
        budgets = settings.budgets(_batches(space, settings.choose))
        board = Board(opened_storage, name)
        board.begin({**settings.decisive, "parameters": _asked_for(space)})
        place = Workplace(source, where, name, str(folder / "trainings"), settings, budgets)
        with Display(board, settings, progress) as display:
            if is_end(board.stages()):
                display.tell("This search is over already. Another out (or name, in a storage) begins anew.")
            _work(place, space, workers, ray, display)
        return Search(name if storage else space.name or name, settings, budgets, board.record(), str(folder))


def _work(place: Workplace, space: Space, workers: int, ray: str, display: Display) -> None:
    if ray:
        from seatrial.practice.search.cluster import run as run_on_cluster

        run_on_cluster(place, ray, workers, display.look)
    elif workers:
        from seatrial.practice.search.processes import run

        run(place, workers, display.look)
    else:
        work_on(place, space, display.look)
    display.look()


def _check_names(changes: dict[str, Any]) -> None:
    known = [each.name for each in fields(SearchSettings)]
    for name, value in changes.items():
        if name not in known:
            near = nearest(name, known)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
            raise refused("the settings of a search", f"{name}={shown(value)}", "search-argument", hint)


def _batches(space: Space, choose: str) -> int:
    """In an epoch of the first candidate on all training data. A mistake in the task is told here, before any work."""
    import optuna

    from seatrial.practice.search.quietly import quietly
    from seatrial.practice.trying import try_out

    with quietly(), unchanged():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        while True:
            try:
                task = space(study.ask()).task
            except optuna.TrialPruned:
                if len(study.trials) < 100:
                    continue
                raise
            check_choice(task, choose)
            seed(0)
            try_out(task)
            return steps_each(task, task.train)


def _asked_for(space: Space) -> list[str]:
    """The names that a trial is asked for: another space does not go on in the same folder."""
    import optuna

    from seatrial.practice.search.quietly import quietly

    names: set[str] = set()
    with quietly():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        for _ in range(8):
            trial = study.ask()
            try:
                space(trial)
            except optuna.TrialPruned:
                continue
            names |= set(trial.params)
    return sorted(names)
