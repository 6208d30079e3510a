"""report.html: all of it in one file, and a stranger's text stays text."""

import re
from html.parser import HTMLParser

import pytest
import sample_run as sample

from seatrial.report import html, model
from seatrial.verdict import Verdict

HOSTILE = "</style></title></pre><script>alert(1)</script><img src=x onerror=alert(2)>\"'`${x}{{ 7 * 7 }}"


def page(verdict: Verdict) -> str:
    return html.render(model.report(verdict))


class Tags(HTMLParser):
    """What a browser would make of a page: its tags with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_what_matters_is_on_the_page() -> None:
    words = " ".join(Tags(page(sample.verdict(sample.softmax(), sample.underfitting(), sample.unseeded()))).words)
    words = re.sub(r"\s+", " ", words)
    assert "The program is wrong in 1 place." in words
    assert sample.softmax().message in words
    assert sample.softmax().remedy in words
    assert sample.underfitting().message in words
    assert sample.unseeded().message in words
    assert "lowest possible loss 1.461" in words
    assert "what happens inside of DataLoader workers is not watched" in words
    assert "hidden.weight" in words
    assert "seatrial explain model.softmax-before-cross-entropy" in words


def test_what_was_tried_is_on_the_page() -> None:
    text = page(sample.verdict(sample.softmax(), also=sample.tried()))
    words = re.sub(r"\s+", " ", " ".join(Tags(text).words))
    assert "Proven: with the fix (softmax removed) the loss is 0.175 instead of 1.948 after 80 steps." in words
    assert "lower by 78 % of the loss before training (95 % interval 74 % to 82 %, 4 seeds)" in words
    assert "learning rate x 10: is optimisation.learning-rate-too-low the cause? Tried, no clear effect." in words
    assert "Before training the loss is 2.27, and 2.28 to 2.36 with weights drawn anew" in words
    assert "Learned by heart: 1 and 5 examples passed; 20 examples failed; 32 examples in part." in words
    assert "the script's rate 0.05 limit of stability 3.52 suggestion 0.1" in words
    assert "Backward passes of 2 functions compared with central differences: 1 agree, 1 not." in words
    assert "Softplus x 512 12 3 2 the sign is turned" in words
    assert "608 examples of 64 features in 10 classes." in words
    assert "a proof of model.dead-units 12 steps of its forks would take 40 s" in words
    assert len(text.encode()) < 200_000


def test_nothing_is_told_of_trials_where_none_were_made() -> None:
    text = page(sample.verdict(sample.softmax()))
    assert "<h2>Trials" not in text
    assert "ried" not in text.split("</style>")[1]


def test_the_line_that_is_meant_is_marked() -> None:
    text = page(sample.verdict(sample.softmax()))
    meant = re.findall(r'<span class="line meant"><i>(\d+)</i>', text)
    assert meant == [str(place.line) for place in sample.softmax().where]


def test_nothing_on_the_page_is_loaded_from_anywhere() -> None:
    found = Tags(page(sample.verdict(sample.softmax(), also=sample.tried())))
    for tag, attributes in found.tags:
        assert tag not in ("script", "iframe", "object", "embed", "base", "form")
        for name in ("src", "href", "srcset", "action", "xlink:href"):
            value = attributes.get(name) or "data:,"
            assert value == "data:," or (tag == "a" and value.startswith("#")), (tag, attributes)
    assert "url(" not in page(sample.verdict())
    assert "@import" not in page(sample.verdict())


def test_a_hostile_text_adds_no_tag_and_no_attribute() -> None:
    plain, hostile = Tags(page(sample.hostile("plain"))), Tags(page(sample.hostile(HOSTILE)))
    known = {(tag, name) for tag, attributes in plain.tags for name in attributes}
    assert {tag for tag, _ in hostile.tags} == {tag for tag, _ in plain.tags}
    assert {(tag, name) for tag, attributes in hostile.tags for name in attributes} == known
    assert "49" not in re.findall(r"\d+", "".join(hostile.words[:5]))


@pytest.mark.parametrize("found", [(), (sample.unseeded(),)])
def test_a_run_without_alarms_has_a_page(found: tuple[object, ...]) -> None:
    assert "Nothing wrong was found" in page(sample.verdict(*found))  # type: ignore[arg-type]


def test_a_run_of_which_nothing_is_known_has_a_page() -> None:
    from seatrial.config import Config
    from seatrial.history import Run
    from seatrial.verdict import settle

    text = page(settle(Run.of([]), (), (), Config()))
    assert "Nothing was trained" in text
    assert "The run was killed" in text


def test_what_would_turn_or_hide_a_text_is_shown() -> None:
    text = page(sample.hostile("if admin:\u202e \x1b[31m\u2066 `x`"))
    assert not re.search("[\u202e\u2066\x1b]", text)
    assert "if admin:\\u202e \\u001b[31m\\u2066" in text


def test_code_in_a_sentence_is_code_and_stays_text() -> None:
    assert html.prose("behind `relu` <b>") == "behind <code>relu</code> &lt;b&gt;"
    assert html.prose("one ` alone <b>") == "one ` alone &lt;b&gt;"
    assert html.prose("`<script>`") == "<code>&lt;script&gt;</code>"
