"""What a person gets from `seatrial run` who asks wrongly, and what its options do."""

import json
import os
import subprocess
import textwrap

import pytest
from faulty import NAME, PROGRAM
from running import SEATRIAL

FORWARD_ONLY = """
import torch
model = torch.nn.Linear(2, 1)
with torch.no_grad():
    for _ in range(3):
        model(torch.zeros(4, 2))
"""


def run(folder, *words, **environment):
    return subprocess.run(
        [SEATRIAL, *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )


def write(folder, text, name="train.py"):
    (folder / name).write_text(textwrap.dedent(text))


def refused(folder, *words):
    """The message on stderr of a run that was refused before anything was run."""
    ended = run(folder, "run", *words)
    assert ended.returncode == 2, ended
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    return ended.stderr


# ---- asked wrongly -----------------------------------------------------------------------------------------------


def test_a_script_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    write(tmp_path, "", "train.py")
    message = refused(tmp_path, "trian.py")
    assert "[no-such-script]" in message and "Did you mean train.py?" in message
    assert "[no-such-script]" in refused(tmp_path, "nowhere/train.py")
    assert list(tmp_path.iterdir()) == [tmp_path / "train.py"]


def test_no_script_at_all_a_folder_and_an_unknown_option_are_refused(tmp_path):
    assert "[no-script]" in refused(tmp_path)
    assert "[not-a-script]" in refused(tmp_path, ".")
    assert "No such option" in refused(tmp_path, "--strickt", "train.py")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x = 1\nfor x in range(3)\n    print(x)\n", "expected ':' in line 2: for x in range(3)"),
        (b"\x7fELF\x02\x01\x00\x00", "[not-python]"),
        (b"PK\x03\x04" + bytes(range(256)), "[not-python]"),
        (b"x = '\xff'\n", "[not-python]"),
        (b"# -*- coding: klingon -*-\n", "klingon"),
    ],
    ids=["syntax", "ELF", "zip", "bytes", "encoding"],
)
def test_what_is_not_python_is_refused_with_the_place(tmp_path, content, said):
    (tmp_path / "train.py").write_bytes(content)
    assert said in refused(tmp_path, "train.py")


def test_a_module_that_cannot_be_run_is_refused(tmp_path):
    (tmp_path / "package").mkdir()
    write(tmp_path, "", "package/__init__.py")
    write(tmp_path, "x = (", "wrong.py")
    assert "[no-such-module]" in refused(tmp_path, "-m", "no_such_module")
    assert "no __main__" in refused(tmp_path, "-m", "package")
    assert "without .py: seatrial run -m wrong" in refused(tmp_path, "-m", "wrong.py")
    assert "never closed in line 1" in refused(tmp_path, "-m", "wrong")


def test_an_out_folder_that_cannot_be_used_is_refused_and_nothing_in_it_is_touched(tmp_path):
    write(tmp_path, "print('ran')")
    assert "[out-not-writable]" in refused(tmp_path, "--out", "/proc/nowhere", "train.py")
    assert "[out-not-writable]" in refused(tmp_path, "--out", "train.py", "train.py")
    (tmp_path / "data").mkdir()
    write(tmp_path, "{}", "data/findings.json")
    assert "[out-not-empty]" in refused(tmp_path, "--out", "data", "train.py")
    assert (tmp_path / "data" / "findings.json").read_text() == "{}"


def test_unknown_names_in_the_configuration_and_in_suppressions_are_refused(tmp_path):
    write(tmp_path, "print('ran')")
    for line, said in [
        ('ignore = ["model.dead-unit"]', "Did you mean model.dead-units"),
        ('thresholds = {"model.dead-units" = {shaer = 0.5}}', "Did you mean share?"),
        ("ignored = []", "Did you mean ignore?"),
    ]:
        write(tmp_path, f"[tool.seatrial]\n{line}\n", "pyproject.toml")
        assert said in refused(tmp_path, "train.py")
    (tmp_path / "pyproject.toml").unlink()
    write(tmp_path, "x = 1  # seatrial: ignore[model.dead-unit]\n")
    assert "Did you mean model.dead-units" in refused(tmp_path, "train.py")


# ---- nothing to judge --------------------------------------------------------------------------------------------


def test_a_script_without_torch_ran_and_is_said_to_have_nothing_to_judge(tmp_path):
    write(tmp_path, "print('ran')")
    ended = run(tmp_path, "run", "--out", "o", "train.py")
    assert (ended.returncode, ended.stdout) == (2, "ran\n")
    assert "[no-torch]" in ended.stderr
    assert json.loads((tmp_path / "o" / "findings.json").read_text())["findings"] == []


def test_a_script_that_only_evaluates_is_told_what_was_seen(tmp_path):
    write(tmp_path, FORWARD_ONLY)
    ended = run(tmp_path, "run", "--out", "o", "train.py")
    assert ended.returncode == 2
    assert "3 forward passes" in ended.stderr and "[no-training]" in ended.stderr
    write(tmp_path, FORWARD_ONLY + "raise SystemExit(5)")
    assert run(tmp_path, "run", "--out", "o", "train.py").returncode == 5


# ---- options -----------------------------------------------------------------------------------------------------


def test_strict_turns_an_error_into_status_1_unless_the_script_has_its_own(tmp_path):
    write(tmp_path, PROGRAM)
    lax = run(tmp_path, "run", "--out", "o", "train.py")
    assert (lax.returncode, lax.stdout) == (0, "trained\n")
    assert NAME in lax.stderr
    assert run(tmp_path, "run", "--strict", "--out", "o", "train.py").returncode == 1
    write(tmp_path, PROGRAM + "raise SystemExit(4)")
    assert run(tmp_path, "run", "--strict", "--out", "o", "train.py").returncode == 4


def test_without_out_a_run_has_a_folder_of_its_own_and_quiet_prints_nothing(tmp_path):
    write(tmp_path, PROGRAM)
    for _ in range(2):
        assert run(tmp_path, "run", "--quiet", "train.py").stderr == ""
    folders = sorted((tmp_path / "seatrial-runs").iterdir())
    assert len(folders) == 2 and all("-train" in folder.name for folder in folders)
    assert sorted(file.name for file in folders[0].iterdir()) == ["findings.json", "record.sqlite", "report.html"]


def test_the_report_of_a_script_that_fails_is_written_all_the_same(tmp_path):
    write(tmp_path, PROGRAM + "1 / 0")
    ended = run(tmp_path, "run", "--out", "o", "train.py")
    assert ended.returncode == 1
    assert ended.stderr.index("ZeroDivisionError") < ended.stderr.index(NAME)
    found = json.loads((tmp_path / "o" / "findings.json").read_text())
    assert found["status"] == "failed"
    assert found["findings"][0]["name"] == NAME


def test_a_report_that_cannot_be_written_changes_the_status_only_with_strict(tmp_path):
    # A folder in the place of the report, made while the program runs.
    write(tmp_path, PROGRAM + "import pathlib; pathlib.Path('o/findings.json').mkdir()")
    lax = run(tmp_path, "run", "--out", "o", "train.py")
    assert (lax.returncode, lax.stdout) == (0, "trained\n")
    assert "no report could be made" in lax.stderr and "Traceback" not in lax.stderr
    (tmp_path / "o" / "findings.json").rmdir()
    assert run(tmp_path, "run", "--strict", "--out", "o", "train.py").returncode == 1


def test_the_programs_own_modules_do_not_get_in_the_way_of_the_report(tmp_path):
    write(tmp_path, "raise RuntimeError('imported by the report')", "jinja2.py")
    write(tmp_path, PROGRAM + "import sys, os; sys.path.clear(); os.chdir('/')")
    ended = run(tmp_path, "run", "--out", "o", "train.py")
    assert ended.returncode == 0 and (tmp_path / "o" / "report.html").exists()
