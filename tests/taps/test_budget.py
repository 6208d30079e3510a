"""How much may be spent on close looks follows the share that a project gives, and the time that has gone by."""

import time

import pytest

from seatrial.taps.budget import ALLOWANCE_SECONDS, SHARE, Budget


@pytest.mark.parametrize(("given", "share"), [(None, SHARE), (0.5, 0.5), (0.0, 0.0)])
@pytest.mark.parametrize(("wall", "used"), [(100.0, 100.0), (100.0, 800.0), (800.0, 100.0)])
def test_the_share_of_the_time_that_has_gone_by_or_was_used_if_that_is_less(
    given: float | None, share: float, wall: float, used: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget(share=given)
    begun = (time.perf_counter(), time.process_time())
    monkeypatch.setattr(time, "perf_counter", lambda: begun[0] + wall)
    monkeypatch.setattr(time, "process_time", lambda: begun[1] + used)
    most = ALLOWANCE_SECONDS + 100.0 * share
    assert budget.affords(most - 0.01)
    assert not budget.affords(most + 5.0)
