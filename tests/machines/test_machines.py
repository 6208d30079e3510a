"""Programs that use what a machine or a library offers for speed, memory or insight end the same watched and unwatched, and
nothing is said against them.

Each program in `programs` prints what it leaves, bit for bit, and what it has counted: calls of its hooks and modes, what the
compiler did. docs/machines.md says what is not looked at in them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from page_server import Server

PROGRAMS = sorted(path for path in (Path(__file__).parent / "programs").glob("*.py") if path.name != "ending.py")
# What is not looked at, by program: nothing where it is not named.
SAID = {
    "checkpointed": {"the inside of a checkpointed part"},
    "compiled": {"the inside of training steps"},
    "several_at_once": {"training in other threads"},
}
# Programs whose steps are put on trial, too.
TRIED = ("autocast_float16_with_scaler", "checkpointed", "hooked")


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_ends_as_it_would_unwatched(program: Path, server: Server, tmp_path: Path) -> None:
    for way in ("plain", "watched"):
        (tmp_path / way).mkdir()
        for file in (program, program.with_name("ending.py")):
            shutil.copy(file, tmp_path / way)
    expected = server.run(tmp_path / "plain" / program.name)
    watched = server.run(
        tmp_path / "watched" / program.name, tmp_path / "run", "quick" if program.stem in TRIED else "off"
    )
    assert expected
    assert watched == expected

    told = json.loads((tmp_path / "run" / "findings.json").read_text())
    assert [each["name"] for each in told["findings"]] == []
    unseen = {each["what"] for each in told["not_looked_at"]}
    assert SAID.get(program.stem, set()) <= unseen
    if program.stem not in SAID:
        assert {what for what in unseen if "experiment" not in what and "steps like step" not in what} == set()
