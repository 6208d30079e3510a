"""What a ledger tells, in words: for `seatrial vault log`."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.vault import bodies
from seatrial.vault.entries import Entry
from seatrial.vault.opening import result_of


def told(entries: tuple[Entry, ...]) -> Iterator[str]:
    """Lines: the sealing, each look with its answers, and what so many looks do to the claim."""
    yield from map(_line, _told(entries))


def _told(entries: tuple[Entry, ...]) -> Iterator[str]:
    first = bodies.sealed(entries[0])
    sizes = first.examples
    whose = "its custodian" if first.custodian else "whoever sealed it"
    yield f"{_day(entries[0])}  sealed: {sizes.test:,} examples ({sizes.training:,} for training), to be opened by {whose}"
    if first.policy.rule != "widened":
        yield f"   looks after the first one are answered through the {first.policy.rule}"
    scores = {bodies.scored(each).opening: each for each in entries if each.kind == "scored"}
    looks = [each for each in entries if each.kind == "opened"]
    for entry in looks:
        yield from _look(entry, scores.get(entry.number))
    last = [bodies.scored(each) for each in entries if each.kind == "scored"][-1:]
    if first.policy.rule != "widened" and len(looks) > 1 and last:
        yield next(iter(last[0].answers.values())).sentence  # a mechanism says what holds after all of its answers
    else:
        yield _claim(len(looks), len(looks) - len(scores))


def _look(entry: Entry, scored: Entry | None) -> Iterator[str]:
    opening = bodies.opened(entry)
    model = f"{opening.model.get('of', 'a model')} ({opening.model.get('hash', '')[:12]})"
    yield f"{_day(entry)}  look {opening.look}: {model}, {', '.join(opening.metrics)}: {opening.reason}"
    if scored is None:
        yield "   no scores: it ended before they were written, but the data were seen"
        return
    for line in result_of(scored, entry).figures:
        yield f"   {line}"


def _claim(looks: int, silent: int) -> str:
    if looks == 0:
        return "Never opened: a score on these data will be one of data that nothing was chosen by."
    if looks == 1:
        return "Opened once: " + ("its scores stand as they are." if not silent else "without a score.")
    return (
        f"Opened {looks} times. The best of these models was chosen by luck as well: for its score only an interval that is "
        f"widened for {looks} looks holds. If answers led to later models, even that is not certain."
    )


def _line(text: str) -> str:
    """As one line that can be printed: what somebody wrote must not look like a line of ours, nor steer the terminal."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _day(entry: Entry) -> str:
    return entry.time[:16].replace("T", " ")
