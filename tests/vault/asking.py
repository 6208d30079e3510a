"""How tests ask for a vault and look at the refusal."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from seatrial.cli import main
from seatrial.errors import UsageProblem

NOBODY = 65534


@contextmanager
def refused(slug: str, *words: str) -> Generator[None]:
    """Within it something is refused by this slug, with a hint, in a message that holds these words."""
    with pytest.raises(UsageProblem) as raised:
        yield
    problem = raised.value
    assert problem.slug == slug, str(problem)
    assert problem.hint
    for word in words:
        assert word in str(problem)


def command(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    """`seatrial vault WORDS`: exit status, output, errors."""
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["seatrial", "vault", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@contextmanager
def unprivileged() -> Generator[Path]:
    """A folder of one's own, and no right to override permissions."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if os.geteuid() != 0:
            yield folder
            return
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            os.seteuid(0)


def in_a_process(work: Callable[[], Any]) -> str:
    """What a function returns, or is refused by, in a process of its own, whose limits it may change."""
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(read)
        try:
            said = str(work())
        except BaseException as error:
            slug = f"{error.slug}: " if isinstance(error, UsageProblem) else ""
            said = f"{slug}{type(error).__name__}: {error}"
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    with open(read, "rb") as file:
        said = file.read().decode()
    os.waitpid(process, 0)
    return said
