"""What holds for all tests."""

from hypothesis import settings

# Times say more about the machine than about the code: a property is not broken because a neighbour is busy.
settings.register_profile("seatrial", deadline=None)
settings.load_profile("seatrial")
