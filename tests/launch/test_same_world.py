"""A program sees the same world under seatrial as under Python. docs/decisions/0001-launch.md names what differs."""

import shutil
from pathlib import Path

import pytest
from running import both

EVERYTHING = Path(__file__).parent / "programs" / "everything.py"
WARNS = EVERYTHING.with_name("warns.py")


@pytest.fixture
def folder(tmp_path):
    package = tmp_path / "package" / "inner"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package / "__init__.py").write_text("import sys\nprint('imported with', sys.argv)\n")
    for file in (tmp_path / "train.py", package / "__main__.py", package / "train.py"):
        shutil.copy(EVERYTHING, file)
    (tmp_path / "link.py").symlink_to(package / "train.py")
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ("train.py", "--out", "x", "-m", "--help", "--", "a b"),
        ("./train.py",),
        ("package/../train.py",),
        ("link.py",),
        ("package/inner",),
        ("-m", "train", "--strict"),
        ("-m", "package.inner", "1"),
        ("-m", "package.inner.train", "--quiet"),
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_a_program_sees_what_it_would_see_under_python(folder, arguments):
    of_python, of_seatrial = both(folder, *arguments)
    assert of_python.status == 0 and "module of this" in of_python.out
    assert of_seatrial.out.splitlines() == of_python.out.splitlines()
    assert of_seatrial.err == of_python.err
    assert of_seatrial.status == 0


@pytest.mark.parametrize("settings", [{"PYTHONSAFEPATH": "1"}, {"PYTHONWARNINGS": "error::BytesWarning"}])
def test_the_same_holds_with_settings_of_the_interpreter(folder, settings):
    of_python, of_seatrial = both(folder, "train.py", env=settings)
    assert of_seatrial.out.splitlines() == of_python.out.splitlines()
    assert of_seatrial.err == of_python.err


@pytest.mark.parametrize("asked", ["gc.enable()", "gc.disable()"])
def test_whether_garbage_is_collected_is_left_to_the_program(folder, asked):
    (folder / "steps.py").write_text(f"""
import gc
import torch
{asked}
class Net(torch.nn.Linear):
    def forward(self, x):
        print("forward", gc.isenabled())
        return super().forward(x)
model = Net(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(3):
    optimizer.zero_grad()
    loss = model(torch.ones(8, 4)).square().mean()
    loss.register_hook(lambda gradient: print("backward", gc.isenabled()))
    loss.backward()
    optimizer.step()
    print("stepped", gc.isenabled(), gc.get_threshold())
""")
    of_python, of_seatrial = both(folder, "steps.py")
    assert of_python.out.count("stepped") == 3
    assert of_seatrial.out == of_python.out


def test_torch_warns_in_the_same_words_of_the_same_lines(tmp_path):
    shutil.copy(WARNS, tmp_path / "train.py")
    of_python, of_seatrial = both(tmp_path, "train.py")
    assert of_python.status == 1 and of_python.err.count("UserWarning") >= 6
    assert of_seatrial == of_python
