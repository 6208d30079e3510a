"""What people read first is true: links lead somewhere, pages that repeat the code are those of the code, commands are there,
the examples differ in the one line that they say."""

import difflib
import importlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import click
import pytest

from seatrial.cli import group
from seatrial.config import Config, load
from seatrial.history import Run
from seatrial.rules import HEADINGS
from seatrial.verdict import configured_rules
from tests.rules.loop.histories import History

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!#|https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_headings(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
        assert anchor in anchors(page.parent / target if target else page), f"{page.name} links to {target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_lists_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    listed = {(index.parent / target).resolve() for target in re.findall(r"\]\(([^)#]+)", index.read_text("utf-8"))}
    assert sorted(page.name for page in PAGES if "docs" in page.parts and page not in {*listed, index}) == []


@pytest.fixture(scope="module")
def generated() -> dict[str, Callable[[], str]]:
    """What makes the text of each page that is written by docs/generate.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs"))
        return importlib.import_module("generate").PAGES


@pytest.mark.parametrize("name", ["findings.md", "findings-json.md", "commands.md", "python.md"])
def test_pages_that_repeat_are_those_of_the_code(name: str, generated: dict[str, Callable[[], str]]) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert written == generated[name](), f"what {name} repeats has changed: run python docs/generate.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_that_pages_show_are_there(page: Path) -> None:
    for block in re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0].endswith("seatrial"):
                _check_command(words[1:])


def _check_command(words: list[str]) -> None:
    command: click.Command = group
    while isinstance(command, click.Group) and (found := command.get_command(click.Context(command), words[0])):
        command, words = found, words[1:]
    assert not isinstance(command, click.Group), words
    known = {option for each in command.params for option in each.opts}
    script = next((at for at, word in enumerate(words) if word.endswith(".py")), len(words))
    own = words if command.context_settings.get("allow_interspersed_args", True) else words[:script]
    assert {word.partition("=")[0] for word in own if word.startswith("--")} <= known, words


def test_the_site_is_built_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("material")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    built = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert (built.returncode, built.stderr) == (0, ""), built.stderr
    pages = {
        page.relative_to(tmp_path).as_posix(): page.read_text(encoding="utf-8") for page in tmp_path.rglob("*.html")
    }
    outside = {
        found
        for text in pages.values()
        for found in re.findall(r"<(?:link|script|img|iframe)\b[^>]*(?:href|src)=[\"']?(?:https?:)?//[^>]*", text)
    }
    assert outside == set()
    finding = pages["findings/model.softmax-before-cross-entropy/index.html"]
    assert "How it is recognised" in finding and 'class="highlight"' in finding
    assert 'href="../findings/model.softmax-before-cross-entropy/"' in pages["walk/index.html"]
    assert "digits_task" in pages["source/examples/digits_task.py/index.html"]


def test_the_rule_that_the_page_adds_works(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "adding-a-rule.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"````python\n(.*?)````", text, flags=re.DOTALL)
    rule = ModuleType("no_momentum")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, rule.__name__, rule)  # a dataclass looks its module up
        exec(source, vars(rule))
    assert tuple(re.findall(r"^## (.*)$", rule.__doc__ or "", re.MULTILINE)) == HEADINGS
    for momentum, found in ((0.0, 1), (0.9, 0)):
        history = History().optimizer(0, [0], settings={"lr": 0.1, "momentum": momentum}).turns(9, "0 step")
        assert len(list(rule.check(Run.of(history.events), rule.Thresholds()))) == found


def test_the_examples_differ_in_one_line_of_code() -> None:
    texts = [(ROOT / "examples" / name).read_text(encoding="utf-8") for name in ("digits.py", "digits_fixed.py")]
    faulty, fixed = (text.split('"""')[2].splitlines() for text in texts)
    changed = [line for line in difflib.ndiff(faulty, fixed) if line[0] in "+-"]
    assert changed == ["-         return torch.softmax(self.out(x), dim=1)", "+         return self.out(x)"]


def test_the_walk_shows_the_screen_that_the_readme_shows() -> None:
    """Which tests/test_examples.py holds to what is printed."""
    walked = (ROOT / "docs" / "walk.md").read_text(encoding="utf-8").splitlines()
    shown = PAGES[0].read_text(encoding="utf-8").splitlines()
    screen = [line for line in walked if line.startswith("    ")]
    assert len(screen) > 20
    assert [line for line in screen if line not in shown] == []


def test_every_readme_command_names_a_file_that_is_there() -> None:
    text = PAGES[0].read_text(encoding="utf-8")
    for name in re.findall(r"seatrial (?:run|check) (\S+\.py)", text):
        assert name in ("train.py", "TASK.py") or (ROOT / name).exists(), name


def test_the_settings_that_the_documentation_shows_are_understood(tmp_path: Path) -> None:
    for page in (ROOT / "README.md", ROOT / "docs" / "configuration.md"):
        shown = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert shown, page
        for text in shown:
            (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
            found = load(tmp_path)
            assert found != Config()
            configured_rules(found)
