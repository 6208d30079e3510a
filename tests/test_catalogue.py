"""The names of findings: people and other tools rely on them."""

import pytest

from seatrial.catalogue import entries, entry, nearest
from seatrial.errors import UsageProblem


def test_every_entry_has_a_statement_and_a_practice() -> None:
    for name, each in entries().items():
        assert name == each.name
        assert each.statement.endswith("."), name
        assert each.practice, name


def test_an_entry_is_found_by_its_name() -> None:
    assert entry("loop.missing-zero-grad").practice == "training strategies"


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [
        ("loop.missing-zerograd", "loop.missing-zero-grad"),
        ("dead-units", "model.dead-units"),
        ("model.dead_units", "model.dead-units"),
        ("data.softmax-before-cross-entropy", "model.softmax-before-cross-entropy"),
        ("softmax", "model.softmax-before-cross-entropy"),
        ("model.softmax", "model.softmax-wrong-dimension"),
    ],
)
def test_a_mistyped_name_is_refused_with_the_one_that_was_meant(mistyped: str, meant: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        entry(mistyped)
    assert caught.value.slug == "no-such-finding"
    assert meant in caught.value.hint


def test_a_name_like_no_other_leads_to_the_list() -> None:
    with pytest.raises(UsageProblem) as caught:
        entry("xyzzy")
    assert "seatrial rules" in caught.value.hint


def test_at_most_three_names_are_offered() -> None:
    assert len(nearest("model.input", entries())) <= 3
