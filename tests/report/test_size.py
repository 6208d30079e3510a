"""However long a run was: the page stays small, and is made quickly."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import sample_run as sample

from seatrial import report
from seatrial.events import BatchSeen, Clips, Event, Look, Losses, Settings, Units
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
