"""What a run leaves on disk, also when it was killed, forked or damaged."""

import signal
import sqlite3
import subprocess
import sys
import textwrap
import time

import pytest

from seatrial.errors import UsageProblem
from seatrial.events import Losses, NotLookedAt, TorchSeen
from seatrial.record import NAME, Recorder, is_record, read
from seatrial.record.writer import MOST


@pytest.fixture
def file(tmp_path):
    return tmp_path / NAME


def events(count):
    return [Losses(0, (tick,), (tick / 3,)) for tick in range(count)]


def change(file, statement):
    with sqlite3.connect(file) as other:
        other.execute(statement)
    other.close()


def record(file, sent):
    recorder = Recorder(file)
    for event in sent:
        recorder.send(event)
    recorder.close()
    return recorder


def test_events_come_back_in_the_order_in_which_they_were_sent(file):
    sent = events(3 * MOST + 5)
    record(file, sent)
    assert read(file) == sent
    assert read(file.parent) == sent


def test_a_closed_record_is_one_file(file):
    record(file, events(40))
    assert list(file.parent.iterdir()) == [file]


def test_the_first_events_are_on_disk_at_once(file):
    recorder = Recorder(file)
    recorder.send(TorchSeen("2.13"))
    assert read(file) == [TorchSeen("2.13")]
    recorder.close()


def test_sending_costs_well_under_a_microsecond(file):
    recorder = Recorder(file)
    event = TorchSeen("2.13")
    for _ in range(40):
        recorder.send(event)
    seconds = []
    for _ in range(20):  # the best of some: the machine may be busy
        recorder.flush()
        start = time.perf_counter()
        for _ in range(MOST // 2):
            recorder.send(event)
        seconds.append((time.perf_counter() - start) / (MOST // 2))
    recorder.close()
    assert min(seconds) < 1e-6


KILLED = """
    import os, pathlib, sys
    from seatrial.events import Losses
    from seatrial.record import Recorder
    recorder = Recorder(pathlib.Path(sys.argv[1]))
    for tick in range(3000):
        recorder.send(Losses(0, (tick,), (0.5,)))
    recorder.flush()
    print("sent", flush=True)
    sys.stdin.read()
"""


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_what_was_sent_before_a_kill_is_readable_also_while_the_program_runs(file):
    with start(KILLED, file) as child:
        assert child.stdout.readline() == "sent\n"
        assert len(read(file)) == 3000
        child.send_signal(signal.SIGKILL)
    assert [event.ticks[0] for event in read(file)] == list(range(3000))
    assert is_record(file)


FORKED = """
    import os, pathlib, sys
    from seatrial.events import TorchSeen
    from seatrial.record import Recorder
    recorder = Recorder(pathlib.Path(sys.argv[1]))
    recorder.send(TorchSeen("before"))
    child = os.fork()
    if not child:
        for _ in range(2000):
            recorder.send(TorchSeen("child"))
        recorder.close()
        del recorder
        sys.exit(0)  # with all that ends an interpreter
    os.waitpid(child, 0)
    recorder.send(TorchSeen("after"))
    recorder.close()
"""


def test_a_forked_child_writes_nothing_and_breaks_nothing(file):
    with start(FORKED, file) as child:
        assert child.wait() == 0
    assert read(file) == [TorchSeen("before"), TorchSeen("after")]


def test_an_event_that_cannot_be_written_is_named_and_the_rest_goes_on(file):
    recorder = record(file, [TorchSeen(object()), TorchSeen("2.13")])
    first, second = read(file)
    assert isinstance(first, NotLookedAt) and "TorchSeen" in first.what
    assert second == TorchSeen("2.13")
    assert not recorder.failed


def test_a_record_that_can_no_longer_be_written_ends_and_says_why(file):
    recorder = Recorder(file)
    change(file, "DROP TABLE events")
    for event in events(40):
        recorder.send(event)
    recorder.close()
    assert "events" in recorder.failed


def refused(path):
    with pytest.raises(UsageProblem) as problem:
        read(path)
    return problem.value.slug


def test_what_is_no_record_is_refused_with_a_reason(file, tmp_path):
    assert refused(tmp_path) == "no-such-run"
    assert refused(tmp_path / "nothing") == "no-such-run"
    file.write_text("epoch 1\n" * 100)
    assert refused(file) == "record-damaged"
    file.unlink()
    change(file, "CREATE TABLE events (id, kind, json)")
    assert refused(file) == "not-a-record"
    assert not is_record(file)


def test_a_newer_a_damaged_a_cut_off_and_an_empty_record_are_refused(file):
    record(file, [])
    assert refused(file) == "record-empty"
    file.unlink()
    record(file, events(2000))
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert refused(file) == "record-damaged"
    file.write_bytes(b"")
    assert refused(file) == "not-a-record"
    file.write_bytes(whole)
    change(file, "PRAGMA user_version=99")
    assert refused(file) == "record-newer"


def test_events_that_only_a_newer_seatrial_knows_are_said_not_to_be_looked_at(file):
    record(file, events(1))
    change(file, "INSERT INTO events (kind, json) VALUES ('Dream', '{}')")
    assert read(file)[1].what == "events of kind Dream"


def test_an_event_with_other_fields_is_refused(file):
    record(file, events(1))
    change(file, """UPDATE events SET json = '{"color": 1}'""")
    assert refused(file) == "record-damaged"
