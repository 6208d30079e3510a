"""What holds for all tests."""

from collections.abc import Iterator

import pytest
from hypothesis import settings
from page_server import Server

# Times say more about the machine than about the code: a property is not broken because a neighbour is busy.
settings.register_profile("seatrial", deadline=None)
settings.load_profile("seatrial")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Runs programs, with torch imported already."""
    running = Server()
    yield running
    running.close()
