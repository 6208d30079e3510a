"""A search from end to end: it finds what is best, stops where chance begins, loses nothing, and never sees the test data."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tasks import Net, clusters

from seatrial import Task
from seatrial.errors import UsageProblem
from seatrial.practice.search import worker
from seatrial.practice.search.outcome import Search
from seatrial.practice.search.searching import search
from seatrial.practice.search.settings import Budget, SearchSettings
from seatrial.practice.search.training import Trained
from seatrial.practice.search.work import AGAIN, COARSE, FINE, LONGER, SEEDS, Job

Figure = Callable[[dict[str, Any], Job], float]


def accuracy(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (output.argmax(1) == y).float().mean()


TASK = Task(Net, torch.nn.CrossEntropyLoss(), clusters(96), validation=clusters(48, 1), metric=accuracy)


def plane(trial: Any) -> Task:
    """Two numbers, one of which is the rate."""
    x = trial.suggest_float("x", -1, 1)
    rate = trial.suggest_float("rate", 1e-4, 1, log=True)
    del x
    return TASK.having(optimizer=lambda model: torch.optim.SGD(model.parameters(), lr=rate))


def searched(monkeypatch: pytest.MonkeyPatch, figure: Figure, out: Path | None = None, **changes: Any) -> Search:
    """A search whose trainings are a formula."""

    def train(space: Any, trial: Any, job: Job, settings: Any, folder: Path, *, resume: bool) -> Trained:
        space(trial)
        value = figure(trial.params, job)
        return Trained(value, "" if math.isfinite(value) else "diverged", "", {"epoch": 1, "seconds": 0.0})

    monkeypatch.setattr(worker, "train", train)
    return search(plane, out=out, progress=False, **changes)


def chance(job: Job, spread: float) -> float:
    return float(np.random.default_rng((job.candidate, job.seed, job.budget.epochs)).normal(0, spread))


def bowl(params: dict[str, Any]) -> float:
    return (params["x"] - 0.3) ** 2 + ((math.log10(params["rate"]) + 2) / 4) ** 2


def names(found: Search) -> list[str]:
    return [each.name for each in found.record.stages]


def test_it_goes_from_coarse_to_fine_and_from_short_to_long(monkeypatch: pytest.MonkeyPatch):
    found = searched(monkeypatch, lambda params, job: bowl(params) + chance(job, 1e-4), trials=36, epochs=27)
    kinds = names(found)
    assert kinds[:3] == [COARSE, AGAIN, FINE] and kinds.count(LONGER) == 2
    lengths = [stage.jobs[0].budget.epochs for stage in found.record.stages if stage.jobs]
    assert lengths == sorted(lengths) and set(lengths) == {3, 9, 27}
    assert bowl(found.params) < 0.02
    # the fine rounds are nearer to the best than the coarse one
    per_stage = [np.median([bowl(each.params) for each in stage.candidates]) for stage in found.record.stages if stage.candidates]  # fmt: skip
    assert per_stage[1] < per_stage[0] / 2
    assert len({each.key for each in found.record.candidates}) == len(found.record.candidates) <= 36
    assert {each.name for each in found.importances} == {"x", "rate"}


def test_where_only_chance_is_left_it_stops_and_says_so(monkeypatch: pytest.MonkeyPatch):
    found = searched(monkeypatch, lambda params, job: chance(job, 1.0), trials=30, epochs=9)
    said = " ".join(sentence for stage in found.record.stages for sentence in stage.said)
    assert "Stopped after 20 of 30 candidates" in said and "less than the noise between seeds" in said
    assert FINE not in names(found)


def test_leaders_run_on_fresh_seeds_and_the_winner_looked_better_than_it_is(monkeypatch: pytest.MonkeyPatch):
    """All candidates are equal: what the chosen ones were better by was luck."""
    gaps: list[float] = []
    for seed in range(4):
        found = searched(monkeypatch, lambda params, job: chance(job, 1.0), trials=24, epochs=1, seed=100 * seed)
        assert found.winner is not None
        fresh = [each for each in found.record.results if each.stage == SEEDS]
        others = {each.job.seed for each in found.record.results if each.stage != SEEDS}
        assert others.isdisjoint(each.job.seed for each in fresh)
        gaps.append(found.winner.optimism)
        assert found.winner.of_luck > 0 and "looked" not in found.headline
    assert np.mean(gaps) > 0.3


def test_a_leader_that_is_worse_is_left_out_before_the_last_seed(monkeypatch: pytest.MonkeyPatch):
    found = searched(monkeypatch, lambda params, job: bowl(params) + chance(job, 1e-4), trials=12, epochs=9, seeds=6)
    counts = [len(found.record.by_seed(number, found.budgets[-1], found.fresh_seeds)) for number in found.leaders[:4]]
    assert counts[0] == 6 and min(counts) == 4
    assert "left out" in " ".join(sentence for stage in found.record.stages for sentence in stage.said)


def test_the_highest_is_sought_where_it_is_the_best(monkeypatch: pytest.MonkeyPatch):
    low = searched(monkeypatch, lambda params, job: bowl(params), trials=12, epochs=9)
    high = searched(
        monkeypatch, lambda params, job: -bowl(params), trials=12, epochs=9, choose="accuracy", highest=True
    )
    assert high.params == low.params and high.winner is not None and high.winner.mean < 0


def test_what_diverges_is_told_and_not_lost(monkeypatch: pytest.MonkeyPatch):
    figure: Figure = lambda params, job: math.nan if params["rate"] > 0.1 else bowl(params)  # noqa: E731
    found = searched(monkeypatch, figure, trials=20, epochs=9)
    failed = {each.job.candidate for each in found.failures}
    assert failed == {each.number for each in found.record.candidates if each.params["rate"] > 0.1} and failed
    assert any("diverged" in each for each in found.sentences)
    none = searched(monkeypatch, lambda params, job: math.nan, trials=6, epochs=9)
    assert none.winner is None and none.headline == "No candidate could be trained to the end."
    assert "No candidate could be trained for 1 epoch" in " ".join(none.record.stages[-1].said)


def test_interrupted_anywhere_it_comes_to_the_same_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    figure: Figure = lambda params, job: bowl(params) + chance(job, 0.05)  # noqa: E731
    calm = searched(monkeypatch, figure, trials=12, epochs=9)
    left = [0]

    def interrupted(params: dict[str, Any], job: Job) -> float:
        left[0] += 1
        if left[0] % 4 == 0:
            raise KeyboardInterrupt
        return figure(params, job)

    for _ in range(40):
        try:
            found = searched(monkeypatch, interrupted, tmp_path, trials=12, epochs=9)
            break
        except KeyboardInterrupt:
            continue
    else:
        pytest.fail("it never came to an end")
    assert sorted(found.record.results, key=str) == sorted(calm.record.results, key=str)
    assert found.record.stages == calm.record.stages


def test_real_trainings_with_a_report(tmp_path: Path):
    task = Task(Net, torch.nn.CrossEntropyLoss(), clusters(96), metric=accuracy, vault="never.vault")
    before = torch.get_rng_state()
    settings = SearchSettings(3, 2, leaders=2, seeds=2, choose="accuracy", highest=True, accelerator="cpu")
    found = search(task, settings=settings, out=tmp_path, progress=False)
    assert torch.equal(torch.get_rng_state(), before)
    assert found.winner is not None and 0.3 < found.winner.mean <= 1
    told = json.loads((tmp_path / "search.json").read_text())
    assert told["params"] == found.params and set(found.params) == {"rate", "weight_decay"}
    page = (tmp_path / "search.html").read_text()
    assert found.headline in page and page.count("data:image/svg+xml") == 4 and "://" not in page
    trained = [each for each in found.record.results if each.job.candidate == found.winner.number][-1]
    assert (Path(trained.folder) / "best.safetensors").exists() and not (Path(trained.folder) / "state.pt").exists()
    with pytest.raises(UsageProblem, match="search-other"):
        search(task, settings=settings, out=tmp_path, progress=False, seeds=3)
    with pytest.raises(UsageProblem, match="fit-choose"):
        search(task, settings=settings, progress=False, choose="precision")


def test_no_path_leads_from_a_search_to_the_vault():
    import grimp

    graph = grimp.build_graph("seatrial", exclude_type_checking_imports=True)
    inner = {"seatrial.practice.search", *graph.find_descendants("seatrial.practice.search")}
    vault = {"seatrial.vault", *graph.find_descendants("seatrial.vault")}
    reached = {each for module in inner for each in graph.find_upstream_modules(module)}
    assert "seatrial.practice.fitting.fit" in reached and not reached & vault


def test_a_ladder_has_no_rung_twice():
    assert SearchSettings(epochs=18).budgets(100) == (Budget(2, 0.25), Budget(6, 1.0), Budget(18, 1.0))
    assert SearchSettings(epochs=18).budgets(10) == (Budget(2, 0.8), Budget(6, 1.0), Budget(18, 1.0))
    assert SearchSettings(epochs=1).budgets(4) == (Budget(1, 1.0),)


@pytest.mark.parametrize(
    ("name", "value"), [("trials", 1), ("epochs", 0), ("share", 0.0), ("seeds", 1), ("leaders", 0)]
)
def test_settings_that_are_none_are_refused(name: str, value: Any):
    with pytest.raises(UsageProblem, match=r"Did you mean trials\?"):
        search(TASK, trails=3)
    with pytest.raises(UsageProblem, match=f"search-{name}"):
        SearchSettings(**{name: value})
