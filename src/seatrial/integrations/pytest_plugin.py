"""The fixture `seatrial`, for trainings in a test suite; pytest finds it where seatrial is installed.

    def test_training(seatrial):
        seatrial.run("train.py", "--epochs", "1").assert_clean()

    def test_the_network(seatrial):
        seatrial.check(task).assert_clean(ignore=["data.class-imbalance"])

A test that fails so shows the report as a terminal does, and no traceback. Nothing heavy is imported before it is used.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from seatrial.errors import CheckFailed
from seatrial.numbers import decimal

if TYPE_CHECKING:
    from seatrial.practice.outcome import Check
    from seatrial.practice.task import Task
    from seatrial.verdict import Verdict

TAIL = 30  # lines that are shown of what a failed script has printed


class Watched:
    """What came of a script: how it ended, what it printed, what was found.

    status    its own exit status.
    output    what it printed, and `errors` what it printed to stderr.
    """

    def __init__(self, check: Check, status: int, output: str, errors: str, script: str) -> None:
        self._check = check
        self._script = script
        self.status = status
        self.output = output
        self.errors = errors

    @property
    def verdict(self) -> Verdict:
        """All that was judged."""
        return self._check.verdict

    @property
    def folder(self) -> Path:
        """Holds findings.json, report.html and the record."""
        return self._check.folder

    @property
    def findings(self) -> tuple[Any, ...]:
        """What was found, the most important first; notes are among them."""
        return self._check.findings

    def assert_clean(self, ignore: str | Iterable[str] = (), status: int = 0) -> None:
        """Fail where an error or a warning was found, or the script did not train or did not end as it should.

        Args:
            ignore: names of findings that are meant so.
            status: the exit status that the script should end with.

        Raises:
            CheckFailed: (an AssertionError) its text says what is wrong.
            UsageProblem: no finding has one of the names.
        """
        __tracebackhide__ = True
        if self.status != status:
            problem = f"{self._script} ended with exit status {self.status}"
            raise CheckFailed("\n".join([f"{problem}, not {status}.", *self.errors.splitlines()[-TAIL:]]), problem)
        from seatrial.launch.reporting import untrained

        if nothing := untrained(self.verdict.run):
            raise CheckFailed(nothing, nothing)
        self._check.assert_clean(ignore)

    def __str__(self) -> str:
        return str(self._check)


class OnTrial:
    """What the fixture gives."""

    def __init__(self, root: Path, folders: pytest.TempPathFactory) -> None:
        self._root = root
        self._folders = folders

    def run(
        self,
        script: str | os.PathLike[str],
        *args: str,
        module: bool = False,
        trials: Literal["full", "quick", "off"] = "full",
        timeout: float | None = None,
    ) -> Watched:
        """Run a training script in a process of its own, in the current folder, as `seatrial run SCRIPT ARGS` does.

        Args:
            script: its path, from the current folder or, where it is not there, from pytest's root; or a module's name.
            args: its arguments.
            module: whether `script` is the name of a module.
            trials: the experiments after it, as of `seatrial run --trials`.
            timeout: seconds after which it is ended and the test fails.

        Raises:
            CheckFailed: there is no such script, the settings are not understood, or the time is up.
        """
        __tracebackhide__ = True
        from seatrial.launch.reporting import judged, runs_at, settings_of
        from seatrial.practice.outcome import Check
        from seatrial.record import NAME

        name = str(script) if module else self._find(script)
        folder = self._folders.mktemp("seatrial")
        words = ["run", "--quiet", "--trials", trials, "--out", str(folder), *(["-m"] if module else []), name, *args]
        done = _call(words, timeout, name)
        print(done.stdout, end="")
        print(done.stderr, end="", file=sys.stderr)
        if not (folder / NAME).is_file():  # refused before anything ran
            raise CheckFailed(done.stderr.strip(), done.stderr.strip())
        runs = runs_at(folder)
        history, config = runs[0], settings_of(runs[0])
        check = Check(judged(runs, config), folder, config)
        status = history.ended.exit_code if history.ended is not None else done.returncode
        return Watched(check, status, done.stdout, done.stderr, name)

    def check(self, task: Task, *, trials: Literal["full", "quick", "off"] = "full") -> Check:
        """Put a task on trial, as `seatrial.check` does.

        Raises:
            UsageProblem: the task is not what it should be.
        """
        from seatrial.practice.checking import check

        return check(task, trials=trials, out=self._folders.mktemp("seatrial"), progress=False)

    def _find(self, script: str | os.PathLike[str]) -> str:
        at_root = self._root / script
        return str(at_root) if not Path(script).exists() and at_root.exists() else str(script)


def _call(words: list[str], timeout: float | None, name: str) -> subprocess.CompletedProcess[str]:
    __tracebackhide__ = True
    installed = Path(sysconfig.get_path("scripts"), "seatrial")
    # The script beside Python where there is one: with `-m` the modules of the current folder would come before all others.
    command = [str(installed)] if installed.is_file() else [sys.executable, "-m", "seatrial"]
    try:
        return subprocess.run(
            [*command, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as error:
        late = f"{name} did not end within {decimal(error.timeout)} s."
        raise CheckFailed(late, late) from None


@pytest.fixture
def seatrial(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> OnTrial:
    """Put a training on trial: `seatrial.run("train.py").assert_clean()`, `seatrial.check(task).assert_clean()`."""
    return OnTrial(request.config.rootpath, tmp_path_factory)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Show of a check that failed what it found, not where in seatrial it was raised."""
    outcome = yield
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, CheckFailed) and call.excinfo is not None:
        shown = call.excinfo.getrepr(style="value", chain=False)
        if shown.reprcrash is not None:
            shown.reprcrash.message = error.summary
        outcome.get_result().longrepr = shown
