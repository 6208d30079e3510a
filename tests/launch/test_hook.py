"""Listening begins when the script has imported torch: not before, not without, and not in the way."""

import textwrap

import pytest
from running import both, seatrial

from seatrial.events import NotLookedAt
from seatrial.record import read

# A stand-in that says when it is imported; what is ours then fails, since it has nothing of torch's.
TORCH = """
import os, sys, traceback
print('torch sees', os.environ.get('OMP_NUM_THREADS'), 'numpy' in sys.modules)
if os.path.exists('broken'):
    os.remove('broken')
    raise ImportError('libcudart.so: cannot open')
def who():
    raise ValueError
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(TORCH)
    return tmp_path


def write(folder, text):
    (folder / "train.py").write_text(textwrap.dedent(text))


def test_what_a_script_sets_before_it_imports_torch_is_in_force(folder):
    write(folder, "import os; os.environ['OMP_NUM_THREADS'] = '3'; import torch")
    assert seatrial(folder, "train.py").out == "torch sees 3 False\n"


def test_the_imported_module_is_as_it_would_be(folder):
    write(
        folder,
        """
        import sys, torch
        print(type(torch.__loader__).__name__, type(torch.__spec__.loader).__name__, vars(torch.__loader__).keys())
        print(torch.__spec__.origin, torch.__loader__ is torch.__spec__.loader, torch.__path__)
        print([type(finder).__name__ for finder in sys.meta_path])
        """,
    )
    of_python, of_seatrial = both(folder, "train.py")
    assert of_seatrial.out == of_python.out


def test_looking_for_torch_is_not_importing_it_and_a_failed_import_can_be_tried_again(folder):
    write(
        folder,
        """
        import importlib.util, os, traceback
        print(importlib.util.find_spec('torch') is not None)
        open('broken', 'w').close()
        try:
            import torch
        except ImportError:
            traceback.print_exc()
        import torch
        """,
    )
    of_python, of_seatrial = both(folder, "train.py")
    assert of_seatrial.out == of_python.out
    assert of_seatrial.err.startswith(of_python.err)
    assert listened(folder)


def listened(folder):
    """Whether we came to listen (and, torch being a stand-in, failed)."""
    return any("watched" in each.what for each in read(folder / "out-of-seatrial") if isinstance(each, NotLookedAt))


def test_our_own_failure_is_a_line_at_the_end_and_the_program_goes_on(folder):
    write(folder, "import torch; print('goes on')")
    ended = seatrial(folder, "train.py")
    assert ended.out.endswith("goes on\n")
    assert ended.status == 0
    assert "torch is not watched" in ended.err and "seatrial.log" in ended.err
    assert "Traceback" in (folder / "out-of-seatrial" / "seatrial.log").read_text()
    assert listened(folder)


def test_a_child_that_imports_torch_is_not_watched(folder):
    write(folder, "import os\nif os.fork() == 0:\n    import torch\nelse:\n    os.wait()")
    seatrial(folder, "train.py")
    assert not listened(folder)
