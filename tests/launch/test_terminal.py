"""What one sees on a real terminal: the script's own output stands as it would, and what seatrial says stands apart from it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios

import pytest
from faulty import PROGRAM
from running import SEATRIAL

pyte = pytest.importorskip("pyte")  # a terminal, as a library

# Asks, draws a bar, writes to stderr, goes back in its line, and leaves its last line without an end.
CHATTY = f"""
name = input("who? ")
{PROGRAM}
from tqdm import tqdm
for _ in tqdm(range(5), desc="bar", ncols=40):
    pass
sys.stderr.write("a warning of its own\\n")
for step in range(3):
    sys.stdout.write(f"\\rstep {{step}}")
print(end="\\nbye", flush=True)
"""


def on_a_terminal(command: list[str], folder: os.PathLike[str], columns: int, typed: str = "") -> tuple[list[str], str]:
    """Run a command on a terminal of so many columns: the lines that are seen in the end, and all that was sent."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 60, columns, 0, 0))
    os.write(ours, typed.encode())
    hidden = ("COLUMNS", "FORCE_COLOR", "NO_COLOR")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"TERM": "xterm-256color", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    ) as child:
        os.close(theirs)
        sent = b""
        try:
            while part := os.read(ours, 65536):
                sent += part
        except OSError:  # the other end is closed
            pass
        os.close(ours)
    assert child.returncode == 0, sent
    screen = pyte.Screen(columns, 60)
    pyte.ByteStream(screen).feed(sent)
    return [line.rstrip() for line in screen.display], sent.decode()


@pytest.mark.slow
def test_progress_leaves_the_scripts_lines_as_they_are(tmp_path):
    (tmp_path / "train.py").write_text(CHATTY)
    command = [SEATRIAL, "run", "--trials", "quick", "--trials-first", "--out", "o", "train.py"]
    seen, sent = on_a_terminal(command, tmp_path, 50, "me\n")
    assert sent.count("seatrial: trying:") >= 2 and not any("trying" in line for line in seen)
    first, last = (next(at for at, line in enumerate(seen) if line.startswith(text)) for text in ("who?", "bye"))
    own = [line for line in seen[first : last + 1] if not line.startswith("bar: ")]
    assert (own[0], own[1][:25]) == ("who?", "seatrial: before training")
    assert own[own.index("trained") :] == ["trained", "a warning of its own", "step 2", "bye"]
    assert sum(line.startswith("bar: 100%") for line in seen) == 1
    assert seen[last + 1 : last + 4] == [
        "",
        "seatrial  train.py · completed · 12 steps",
        "The program is wrong in 1 place.",
    ]
    assert "\x1b[1;31m" in sent
