"""However long a run was: the page stays small, and is made quickly."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import sample_run as sample

from seatrial import report
from seatrial.events import BatchSeen, Clips, Event, Look, Losses, ModelSeen, ModuleInfo, ParameterInfo, Settings, Units
from seatrial.findings import Finding

TICKS = 100_000
LARGEST = 1_000_000  # bytes
PARAMETERS = 400


def long_run() -> list[Event]:
    """A run of 100,000 ticks: a loss and a learning rate at each, a thousand looks at 400 parameters, 60 layers' units."""
    ticks = tuple(range(TICKS))
    noisy = tuple(2 / (1 + tick / 9000) + 0.3 * math.sin(tick * 12.9898) for tick in ticks)
    numbers, zeros = tuple(range(PARAMETERS)), (0.0,) * PARAMETERS
    names = tuple(f"model.layers.{at}.activation" for at in range(60))
    events: list[Event] = [
        Losses(0, ticks, noisy),
        Settings(0, 0, "lr", ticks, tuple(0.1 / (1 + tick / 1000) for tick in ticks)),
        Clips(0, ticks, tuple(abs(each) + 1e-3 for each in noisy), 1e-3, 6, 6),
    ]
    for tick in range(0, TICKS, 100):
        norms = tuple(0.1 + (number * 7 + tick) % 13 / 100 for number in numbers)
        events.append(Look(tick, 0, numbers, norms, norms, norms, zeros, (0,) * PARAMETERS, norms, zeros))
        shares = tuple((at * 3 + tick) % 100 / 100 for at in range(60))
        events.append(Units(tick, 0, names, shares, shares))
        classes = {str(at): 1 + at % 9 for at in range(1000)}
        events.append(BatchSeen(tick, "training", 0, "target", 1, (5000,), "int64", {}, classes))
    return events


def test_a_hundred_thousand_steps_make_a_page_under_a_megabyte(tmp_path: Path) -> None:
    names = ("loop.missing-zero-grad", "loop.scheduler-misplaced", "model.dead-units", "data.class-imbalance")
    more = ("optimisation.clipping-too-tight", "optimisation.vanishing-gradient", "data.unshuffled-training-data")
    found = [replace(Finding(name, "error", "so it is"), confidence=0.9) for name in (*names, *more)]
    kept = (Losses, Settings, Look)
    given = [event for event in sample.events() if not isinstance(event, kept)]
    verdict = replace(sample.verdict(*found), run=type(sample.verdict().run).of([*given, *long_run()]))
    before = time.process_time()
    report.write(verdict, tmp_path)
    took = time.process_time() - before
    page = (tmp_path / "report.html").read_bytes()
    assert len(page) < LARGEST
    assert page.count(b"<path") > 40
    assert took < 30


def test_hundreds_of_models_and_of_things_to_say_make_a_page_under_a_megabyte(tmp_path: Path) -> None:
    (model,) = (event for event in sample.events() if isinstance(event, ModelSeen))
    layers = tuple(ModuleInfo(f"layer{at}", "Linear", None, True, {"in_features": at}) for at in range(500))
    weights = tuple(ParameterInfo(at, f"layer{at}.weight", (9, 9), "float32", True, False, {}) for at in range(500))
    models = [replace(model, model=at, modules=layers, parameters=weights) for at in range(300)]
    batches = [
        BatchSeen(0, "training", at, "input", 0, (9, 9), "float32", {"mean": 0.0, "std": 1.0}) for at in range(300)
    ]
    long = [f"layer{at}.weight" for at in range(5000)]
    evidence = {"parameters": long, "found": 900, "also": [f"The same is true of {each}." for each in long]}
    found = replace(sample.softmax(), evidence=evidence)
    report.write(sample.verdict(found, also=[*models, *batches]), tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert len(page.encode()) < LARGEST
    assert "288 more models are not shown." in page
    assert "and 4988 more" in page
    assert "4992 more of the same kind." in page
