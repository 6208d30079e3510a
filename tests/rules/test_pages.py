"""The programs on the pages of the rules: under *Faulty* each yields its finding, under *Fixed* it does not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from seatrial.rules import HEADINGS, discover


def program(page: str, heading: str) -> str:
    section = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"```python\n(.*?)```", section, re.S)
    assert len(found) == 1, f"{heading} holds {len(found)} programs"
    return found[0]


def findings(source: str, folder: Path) -> dict[str, str]:
    """Names and severities of what is said of a program (also of symptoms that are folded into a cause)."""
    script = folder / "program.py"
    script.write_text(source)
    command = [sys.executable, "-m", "seatrial", "run", "--out", str(folder / "out"), str(script)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert (folder / "out" / "findings.json").exists(), done.stderr
    listed = json.loads((folder / "out" / "findings.json").read_text())["findings"]
    told = {name: "folded" for each in listed for name in each.get("folded", ())}
    return told | {each["name"]: each["severity"] for each in listed}


@pytest.mark.parametrize("name", sorted(discover()))
def test_a_page_has_all_headings_in_order(name: str) -> None:
    assert tuple(re.findall(r"^## (.*)$", discover()[name].page, re.M)) == HEADINGS


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(discover()))
def test_the_faulty_program_yields_the_finding_and_the_fixed_one_does_not(name: str, tmp_path: Path) -> None:
    page = discover()[name].page
    for heading in ("Faulty", "Fixed"):
        folder = tmp_path / heading
        folder.mkdir()
        told = findings(program(page, heading), folder)
        if heading == "Faulty":
            assert name in told, told
        else:
            assert [each for each, severity in told.items() if severity != "note"] == []
            assert name not in told
