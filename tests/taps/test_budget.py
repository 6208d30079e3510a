"""How much may be spent on close looks follows the share that a project gives."""

import pytest

from seatrial.taps.budget import ALLOWANCE_SECONDS, SHARE, Budget


@pytest.mark.parametrize(("given", "share"), [(None, SHARE), (0.5, 0.5), (0.0, 0.0)])
def test_the_share_of_the_time_that_has_gone_by(given: float | None, share: float) -> None:
    budget = Budget(share=given)
    budget.started -= 100.0
    most = ALLOWANCE_SECONDS + 100.0 * share
    assert budget.affords(most - 0.01)
    assert not budget.affords(most + 5.0)
