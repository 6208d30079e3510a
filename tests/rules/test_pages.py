"""The programs on the pages of the rules: under *Faulty* each yields its finding, under *Fixed* it does not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial import catalogue
from seatrial.rules import HEADINGS, discover

NAMES = sorted(discover())
SERVER = Path(__file__).with_name("page_server.py")


class Server:
    """Runs programs through `seatrial run`, each in a process of its own that is forked with torch imported already."""

    def __init__(self) -> None:
        environment = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
        command = [sys.executable, str(SERVER)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def findings(self, source: str, folder: Path) -> dict[str, str]:
        """Names and severities of what is said of a program (also of symptoms that are folded into a cause)."""
        script, out = folder / "program.py", folder / "out"
        script.write_text(source)
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"script": str(script), "out": str(out)}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer["status"] == 0, answer["errors"]
        listed = json.loads((out / "findings.json").read_text())["findings"]
        told = {name: "folded" for each in listed for name in each["explains"]}
        return told | {each["name"]: each["severity"] for each in listed}

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def program(page: str, heading: str) -> str:
    section = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"```python\n(.*?)```", section, re.S)
    assert len(found) == 1, f"{heading} holds {len(found)} programs"
    return found[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_all_headings_in_order_and_an_entry_in_the_catalogue(name: str) -> None:
    assert tuple(re.findall(r"^## (.*)$", discover()[name].page, re.M)) == HEADINGS
    assert name in catalogue.entries()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_faulty_program_yields_the_finding(name: str, server: Server, tmp_path: Path) -> None:
    assert name in server.findings(program(discover()[name].page, "Faulty"), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_fixed_program_yields_no_alarm(name: str, server: Server, tmp_path: Path) -> None:
    told = server.findings(program(discover()[name].page, "Fixed"), tmp_path)
    assert [each for each, severity in told.items() if severity != "note"] == []
    assert name not in told
