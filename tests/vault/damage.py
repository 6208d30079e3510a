"""Ways to damage a vault and its ledger, at random places."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pyrage
from world import MODEL, PLAN, World, home, predict

from seatrial.errors import UsageProblem
from seatrial.vault import entries as written
from seatrial.vault import ledger
from seatrial.vault.entries import Entry, new_entry
from seatrial.vault.identities import IDENTITY, SIGNING, Identity
from seatrial.vault.refusal import Damaged
from seatrial.vault.vault import Vault

ALL = ("verify", "open", "score")
SECONDS = 30  # what takes longer hangs


@dataclass(frozen=True)
class Case:
    """What lies at the places of a vault and its ledger (None: nothing), whose folder the user has, a head that is known, and
    which of the three ways to it must refuse it."""

    sealed: bytes | None
    entries: bytes | None
    home: Path | None = None
    head: str = ""
    asked: tuple[str, ...] = ALL


Kind = Callable[[Random, World], Case]
KINDS: dict[str, Kind] = {}


class NotRefused(AssertionError):
    """A damaged vault was accepted, or refused in words that do not help."""


def kind(name: str) -> Callable[[Kind], Kind]:
    def add(function: Kind) -> Kind:
        KINDS[name] = function
        return function

    return add


def refused(world: World, case: Case) -> dict[str, UsageProblem]:
    """Ask for a damaged vault in each way. Returns how it was refused.

    Raises:
        NotRefused: it was not, or something else went wrong.
    """
    world.put(case.sealed, case.entries)
    before = sorted(path.name for path in world.folder.iterdir())
    said: dict[str, UsageProblem] = {}
    with home(case.home or world.folder / "home"):
        for way in case.asked:
            said[way] = _asked(world, case, way)
    after = sorted(path.name for path in world.folder.iterdir())
    found = tuple(path.read_bytes() if path.is_file() else None for path in (world.path, ledger.ledger_of(world.path)))
    if before != after or found != (case.sealed, case.entries):
        raise NotRefused("refusing changed the files")
    return said


def _asked(world: World, case: Case, way: str) -> UsageProblem:
    try:
        with _in_time():
            if way == "verify":
                Vault(world.path).verify(case.head)
            elif way == "open":
                Vault(world.path).open(MODEL, PLAN, "to see")
            else:
                world.opening.score(predict)
    except UsageProblem as problem:
        text = str(problem)
        if not (
            problem.slug
            and problem.hint
            and any(word in text for word in ("test.vault", "ntry ", "ledger", "identity"))
        ):
            raise NotRefused(f"{way}: does not say where: {text}") from problem
        return problem
    except Exception as error:
        raise NotRefused(f"{way}: {type(error).__name__}: {error}") from error
    raise NotRefused(f"{way}: accepted")


@contextmanager
def _in_time() -> Generator[None]:
    def hangs(*_: object) -> None:
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# ---- bytes ------------------------------------------------------------------------------------------------------------


def flipped(random: Random, content: bytes) -> bytes:
    found = bytearray(content)
    found[random.randrange(len(found))] ^= 1 << random.randrange(8)
    return bytes(found)


def changed(random: Random, content: bytes) -> bytes:
    at = random.randrange(len(content))
    return content[:at] + bytes([(content[at] + random.randrange(1, 256)) % 256]) + content[at + 1 :]


def cut(random: Random, content: bytes) -> bytes:
    return content[: random.randrange(len(content))]


def appended(random: Random, content: bytes) -> bytes:
    return content + random.randbytes(random.randrange(1, 200))


def inserted(random: Random, content: bytes) -> bytes:
    at = random.randrange(len(content))
    return content[:at] + random.randbytes(random.randrange(1, 20)) + content[at:]


def removed(random: Random, content: bytes) -> bytes:
    at = random.randrange(len(content) - 1)
    return content[:at] + content[at + random.randrange(1, 20) :]


def swapped(random: Random, content: bytes) -> bytes:
    size = random.randrange(1, len(content) // 3)
    first, second = (random.randrange(len(content) // 2 - size // 2), len(content) // 2 + random.randrange(size))
    found = bytearray(content)
    found[first : first + size], found[second : second + size] = (
        found[second : second + size],
        found[first : first + size],
    )
    return bytes(found)


def zeroed(random: Random, content: bytes) -> bytes:
    at, size = random.randrange(len(content)), random.randrange(1, 4096)
    return content[:at] + bytes(len(content[at : at + size])) + content[at + size :]


def _of_bytes(damage: Callable[[Random, bytes], bytes], *, of_ledger: bool) -> Kind:
    def make(random: Random, world: World) -> Case:
        whole = world.ledger if of_ledger else world.sealed
        while (found := damage(random, whole)) == whole:
            pass
        return Case(world.sealed, found) if of_ledger else Case(found, world.ledger)

    return make


for _damage in (flipped, changed, cut, appended, inserted, removed, swapped, zeroed):
    KINDS[f"sealed file: {_damage.__name__}"] = _of_bytes(_damage, of_ledger=False)
    KINDS[f"ledger: {_damage.__name__}"] = _of_bytes(_damage, of_ledger=True)


@kind("sealed file: header damaged")
def _(random: Random, world: World) -> Case:
    end = world.sealed.index(b"\n---") + 48
    damage = random.choice((flipped, changed, inserted, removed))
    while (head := damage(random, world.sealed[:end])) == world.sealed[:end]:
        pass
    return Case(head + world.sealed[end:], world.ledger)


@kind("sealed file: a stanza more, or another one's")
def _(random: Random, world: World) -> Case:
    other = world.other[0].split(b"\n", 3)[1:3]
    mine = world.sealed.split(b"\n", 3)
    stanzas = random.choice(([*other], [*mine[1:3], *other], [*other, *mine[1:3]], []))
    return Case(b"\n".join([mine[0], *stanzas, mine[3]]), world.ledger)


@kind("sealed file: empty, or another kind of file")
def _(random: Random, world: World) -> Case:
    found = random.choice(
        (b"", b"age-encryption.org/v1\n", b"age-encryption.org/v2\n" + world.sealed[22:], world.ledger)
    )
    return Case(found, world.ledger)


@kind("sealed file: missing")
def _(random: Random, world: World) -> Case:
    return Case(None, world.ledger)


def _plain(world: World) -> bytes:
    return pyrage.decrypt(world.sealed, [world.owner.age])


def _encrypted(random: Random, world: World, content: bytes, identity: Identity) -> bytes:
    """Mostly as long as the file was, so that its size alone does not give it away: a header's length is random."""
    recipients = [pyrage.x25519.Recipient.from_str(identity.card.recipient)]
    found = b""
    for _ in range(random.choice((1, 3000))):
        found = pyrage.encrypt(content, recipients)
        if len(found) == len(world.sealed):
            break
    return found


@kind("sealed file: the same data encrypted anew")
def _(random: Random, world: World) -> Case:
    return Case(_encrypted(random, world, _plain(world), world.owner), world.ledger)


@kind("sealed file: other data encrypted anew, the same name inside")
def _(random: Random, world: World) -> Case:
    plain = bytearray(_plain(world))
    at = plain.index(b"name,label") + random.randrange(200, 2000)
    plain[at] ^= 1
    return Case(_encrypted(random, world, bytes(plain), world.owner), world.ledger)


@kind("sealed file: encrypted anew to somebody else")
def _(random: Random, world: World) -> Case:
    return Case(_encrypted(random, world, _plain(world), world.stranger), world.ledger)


@kind("sealed file: of another vault")
def _(random: Random, world: World) -> Case:
    return Case(world.other[0], world.ledger)


@kind("ledger: of another vault")
def _(random: Random, world: World) -> Case:
    return Case(world.sealed, world.other[1])


@kind("both of another vault, at the place of this one")
def _(random: Random, world: World) -> Case:
    return Case(*world.other)


# ---- entries ----------------------------------------------------------------------------------------------------------


def _joined(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _of_lines(damage: Callable[[Random, list[bytes], list[bytes]], list[bytes]]) -> Kind:
    def make(random: Random, world: World) -> Case:
        others = world.other[1].splitlines()
        while (found := _joined(damage(random, world.lines, others))) == world.ledger:
            pass
        return Case(world.sealed, found)

    return make


def _swapped_entries(random: Random, lines: list[bytes], others: list[bytes]) -> list[bytes]:
    first, second = random.sample(range(len(lines)), 2)
    lines[first], lines[second] = lines[second], lines[first]
    return lines


def _dropped(random: Random, lines: list[bytes], others: list[bytes]) -> list[bytes]:
    return random.sample([lines[:at] + lines[at + 1 :] for at in range(len(lines))], 1)[0]


def _duplicated(random: Random, lines: list[bytes], others: list[bytes]) -> list[bytes]:
    lines.insert(random.randrange(len(lines) + 1), random.choice(lines))
    return lines


def _replayed(random: Random, lines: list[bytes], others: list[bytes]) -> list[bytes]:
    return [*lines, random.choice(lines)]


def _foreign(random: Random, lines: list[bytes], others: list[bytes]) -> list[bytes]:
    at = random.randrange(len(lines))
    return [*lines[:at], random.choice(others), *lines[at + random.randrange(2) :]]


def _reversed(random: Random, lines: list[bytes], others: list[bytes]) -> list[bytes]:
    at = random.randrange(len(lines) - 1)
    return lines[:at] + lines[at:][::-1]


def _blank(random: Random, lines: list[bytes], others: list[bytes]) -> list[bytes]:
    lines.insert(random.randrange(len(lines) + 1), random.choice((b"", b" ", b"\t", b"{}", b"[]", b"null", b"0")))
    return lines


KINDS["entries: two swapped"] = _of_lines(_swapped_entries)
KINDS["entries: one dropped"] = _of_lines(_dropped)
KINDS["entries: one twice"] = _of_lines(_duplicated)
KINDS["entries: one replayed at the end"] = _of_lines(_replayed)
KINDS["entries: one of another vault"] = _of_lines(_foreign)
KINDS["entries: order reversed"] = _of_lines(_reversed)
KINDS["entries: an empty line, or no entry"] = _of_lines(_blank)


@kind("entries: rolled back")
def _(random: Random, world: World) -> Case:
    return Case(world.sealed, random.choice(world.states[:-1]))


@kind("entries: rolled back where they were never seen, the head known")
def _(random: Random, world: World) -> Case:
    """Whoever has another folder sees nothing in an older ledger but that a known head is missing."""
    head = _entries(world)[-1].hash
    return Case(world.sealed, random.choice(world.states[:-1]), world.stranger.folder, head, ("verify",))


@kind("entries: undamaged, but a head that was never written")
def _(random: Random, world: World) -> Case:
    return Case(world.sealed, world.ledger, head=random.randbytes(32).hex(), asked=("verify",))


@kind("entries: rolled back and written on")
def _(random: Random, world: World) -> Case:
    at = random.randrange(1, len(world.states))
    kept = _entries(world)[:at]
    looks = sum(each.kind == "opened" for each in kept)
    while len(kept) < len(world.lines) + random.randrange(3):
        looks += 1
        kept.append(new_entry("opened", _opened(looks, random), kept[-1], world.owner))
    return Case(world.sealed, _joined([each.line for each in kept]))


def _entries(world: World) -> list[Entry]:
    return [written.read_line(line, "a line") for line in world.lines]


def _opened(look: int, random: Random) -> dict[str, Any]:
    model = {"hash": random.randbytes(32).hex(), "of": "1 arrays"}
    return {
        "look": look,
        "model": model,
        "plan": {"metrics": ["accuracy"], "baseline": {"accuracy": 0.5}},
        "reason": "x",
    }


def signed(identity: Identity, entry: Entry, **changes: Any) -> Entry:
    """An entry with some of its values changed, and the signature of this identity."""
    draft = replace(entry, **{"key": identity.card.key, **changes}, signature="")
    return replace(draft, signature=identity.sign(written._signed_part(draft)))


def _chained(identity: Identity, entries: list[Entry]) -> list[Entry]:
    """The same entries in a chain of its own."""
    found: list[Entry] = []
    for number, entry in enumerate(entries):
        found.append(signed(identity, entry, number=number, previous=found[-1].hash if found else written.FIRST))
    return found


@kind("entries: one signed by somebody else")
def _(random: Random, world: World) -> Case:
    entries = _entries(world)
    at = random.randrange(len(entries))
    entries[at] = signed(world.stranger, entries[at])
    return Case(world.sealed, _joined([each.line for each in entries]))


@kind("entries: all signed anew by somebody else")
def _(random: Random, world: World) -> Case:
    return Case(world.sealed, _joined([each.line for each in _chained(world.stranger, _entries(world))]))


@kind("entries: the first forged, by somebody else who says that he may sign")
def _(random: Random, world: World) -> Case:
    entries = _entries(world)
    keepers = random.choice(([world.stranger.card.key], sorted([world.stranger.card.key, world.owner.card.key])))
    body = entries[0].body | {"keepers": keepers}
    if random.random() < 0.5:
        body |= {"vault": random.randbytes(16).hex()}
    forged = _chained(world.stranger, [replace(entries[0], body=body), *entries[1:]])
    return Case(world.sealed, _joined([each.line for each in forged]))


@kind("entries: the first one says something else, signed by the owner")
def _(random: Random, world: World) -> Case:
    entries = _entries(world)
    body = _bent(random, entries[0].body)
    forged = _chained(world.owner, [replace(entries[0], body=body), *entries[1:]])
    return Case(world.sealed, _joined([each.line for each in forged]))


@kind("entries: another recipient in the first one, signed by the owner")
def _(random: Random, world: World) -> Case:
    entries = _entries(world)
    body = entries[0].body | {"recipient": world.stranger.card.recipient}
    forged = _chained(world.owner, [replace(entries[0], body=body), *entries[1:]])
    return Case(world.sealed, _joined([each.line for each in forged]))


@kind("entries: a vault of a newer version")
def _(random: Random, world: World) -> Case:
    entries = _entries(world)
    body = entries[0].body | {"format": random.randrange(2, 100)}
    return Case(world.sealed, _joined([each.line for each in _chained(world.owner, [replace(entries[0], body=body)])]))


OTHERS = (None, [], {}, "x", -1, 1.5, True, 10**400, [[]], {"a": 1}, "\ud800", -(10**20))


OPTIONAL = ("interval", "worst", "left", "value", "best")


def _bent(random: Random, body: Any) -> Any:
    """A body in which one value is left out, or is one of another type."""
    found = json.loads(json.dumps(body))
    at, inside = found, [key for key in found if key not in ("notes", "seatrial", "split")]
    while True:
        key = random.choice(inside)
        below = at[key]
        if not isinstance(below, dict) or not below or random.random() < 0.3:
            break
        at, inside = below, list(below)
    if random.random() < 0.3 and at is not found.get("plan", {}).get("baseline"):
        del at[key]
    else:
        at[key] = random.choice(
            [each for each in OTHERS if not _alike(each, at[key]) and not (each is None and key in OPTIONAL)]
        )
    return found


def _alike(one: Any, other: Any) -> bool:
    """Whether one value can stand for the other: scores that were not given are None."""
    if isinstance(other, float):
        return type(one) in (int, float) and abs(one) < 10**300
    if isinstance(other, int) and type(one) is int:
        return 0 <= one < 10**20
    return type(one) is type(other)


@kind("entries: one more of the wrong form, signed by the owner")
def _(random: Random, world: World) -> Case:
    entries = _entries(world)
    scored = entries[2].body | {"opening": 5, "look": 3}
    what, body = random.choice((("opened", _opened(4, random)), ("scored", scored)))
    bad = new_entry(what, {}, entries[-1], world.owner)
    return Case(world.sealed, _joined([*world.lines, signed(world.owner, bad, body=_bent(random, body)).line]))


@kind("entries: one more out of order, signed by the owner")
def _(random: Random, world: World) -> Case:
    entries = _entries(world)
    scored, good = entries[2].body, new_entry("opened", _opened(4, random), entries[-1], world.owner)
    bad = random.choice((
        {"body": _opened(random.choice((0, 1, 2, 3, 5, 10**20)), random)},
        {"kind": "scored", "body": scored | {"opening": random.choice((0, 1, 2, 3, 4, 6, 7, 99)), "look": 3}},
        {"kind": "scored", "body": scored | {"opening": 5, "look": random.choice((0, 1, 2, 4))}},
        {"kind": "scored", "body": scored | {"opening": 5, "look": 3, "examples": random.choice((0, 39, 41, 200))}},
        {"kind": "scored", "body": scored | {"opening": 5, "look": 3, "state": {"looks": 1}}},
        {"kind": "sealed", "body": entries[0].body},
        {"kind": random.choice(("", "closed", "Opened", "opened "))},
        {"number": random.choice((0, 5, 7, -1, 10**20))},
        {"previous": random.choice((written.FIRST, entries[-2].hash, entries[-1].hash.upper(), ""))},
        {"time": random.choice(("", "yesterday", "2026-13-01T00:00:00", "9" * 4000))},
    ))  # fmt: skip
    return Case(world.sealed, _joined([*world.lines, signed(world.owner, good, **bad).line]))


@kind("entries: odd JSON")
def _(random: Random, world: World) -> Case:
    """Another way to write what is there, or what no reader should stumble over."""
    lines, at = world.lines, random.randrange(len(world.lines))
    values = json.loads(lines[at])
    deep = b"[" * random.choice((100, 5_000, 200_000))
    odd = (
        json.dumps(values).encode(),
        json.dumps(values, indent=1).replace("\n", "\r").encode(),
        json.dumps(values, separators=(",", ":")).encode("utf-16"),
        b"\xef\xbb\xbf" + lines[at],
        lines[at] + b"\r",
        b"\xff\xfe" + lines[at],
        lines[at].replace(b"e", b"\xe9"),
        lines[at].replace(b'"number":', b'"number":1e999,"number":'),
        lines[at].replace(b'"number":', b'"number":' + b"9" * 5000),
        json.dumps(values | {"number": float(values["number"])}).encode(),
        json.dumps(values | {"number": 10**300}).encode(),
        json.dumps(values | {"number": True}).encode(),
        json.dumps(values | {"more": 1}, sort_keys=True, separators=(",", ":")).encode(),
        json.dumps(values | {"body": {"x": float("nan")}}, sort_keys=True, separators=(",", ":")).encode(),
        json.dumps(values | {"body": {"x": float("inf")}}, sort_keys=True, separators=(",", ":")).encode(),
        lines[at].replace(b'"body":{', b'"body":{"x":1e999,'),
        json.dumps({name: each for name, each in values.items() if name != "signature"}).encode(),
        lines[at].replace(b'"signature":"', b'"signature":"!'),
        lines[at].replace(b'"key":"', b'"key":"AAAA'),
        lines[at].replace(b'"kind":', b'"kind":' + deep),
        deep,
        deep + b"]" * len(deep),
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"\0" * random.randrange(1, 5000),
        lines[at] * 2,
    )
    lines[at] = random.choice([each for each in odd if each != lines[at]])
    return Case(world.sealed, _joined(lines))


@kind("ledger: empty, missing its end, or other line ends")
def _(random: Random, world: World) -> Case:
    found = (
        b"",
        b"\n",
        world.ledger[:-1],
        world.ledger.replace(b"\n", b"\r\n"),
        world.ledger + b"\n",
        b"\n" + world.ledger,
    )
    return Case(world.sealed, random.choice(found))


@kind("ledger: missing")
def _(random: Random, world: World) -> Case:
    return Case(world.sealed, None)


# ---- keys -------------------------------------------------------------------------------------------------------------


def _with_keys(world: World, identity: bytes | None, signing: bytes | None) -> Path:
    """A folder like the owner's with other keys in it."""
    folder = world.folder / "stranger" / "keys"
    folder.mkdir(mode=0o700, exist_ok=True)
    heads = world.folder / "home" / "heads.sqlite"
    for name, content in ((IDENTITY, identity), (SIGNING, signing), (heads.name, heads.read_bytes())):
        path = folder / name
        path.unlink(missing_ok=True)
        if content is not None:
            path.touch(mode=0o600)
            path.write_bytes(content)
    return folder


def _keys(of: Identity) -> tuple[bytes, bytes]:
    return (of.folder / IDENTITY).read_bytes(), (of.folder / SIGNING).read_bytes()


@kind("keys: somebody else's identity, or only half of the own one")
def _(random: Random, world: World) -> Case:
    (mine, my_signing), (theirs, their_signing) = _keys(world.owner), _keys(world.stranger)
    pair = random.choice(((theirs, their_signing), (theirs, my_signing), (mine, their_signing)))
    return Case(world.sealed, world.ledger, _with_keys(world, *pair), asked=("open",))


@kind("keys: the identity is missing")
def _(random: Random, world: World) -> Case:
    mine, signing = _keys(world.owner)
    pair = random.choice(((None, signing), (mine, None), (None, None)))
    return Case(world.sealed, world.ledger, _with_keys(world, *pair), asked=("open",))


@kind("keys: the identity is damaged")
def _(random: Random, world: World) -> Case:
    mine, signing = _keys(world.owner)
    start = mine.index(b"AGE-SECRET-KEY-")
    base64 = signing.index(b"-----\n") + 6
    if random.random() < 0.5:
        damage = random.choice((flipped, changed, cut))
        while (secret := damage(random, mine[start:].strip())) == mine[start:].strip() or b"\n" in secret:
            pass
        return Case(world.sealed, world.ledger, _with_keys(world, mine[:start] + secret, signing), asked=("open",))
    at = random.randrange(base64, base64 + 64)
    other = random.choice([one for one in b"ABCDEFGHabcdefgh0123456789+/" if one != signing[at]])
    signing = signing[:at] + bytes([other]) + signing[at + 1 :]
    return Case(world.sealed, world.ledger, _with_keys(world, mine, signing), asked=("open",))


def report(problems: dict[str, UsageProblem]) -> str:
    """The slugs with which something was refused."""
    return ", ".join(
        f"{problem.slug}{'' if isinstance(problem, Damaged) else ' (usage)'}" for problem in problems.values()
    )
