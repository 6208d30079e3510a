"""What people read first is true: links lead somewhere, the page of findings is that of the rules, the examples differ
in the one line that they say."""

import difflib
import re
import runpy
from pathlib import Path

import pytest

from seatrial.config import Config, load
from seatrial.verdict import configured_rules

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!#|https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_page_of_findings_is_that_of_the_rules() -> None:
    generated = runpy.run_path(str(ROOT / "docs" / "generate.py"))["text"]()
    written = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    assert written == generated, "a rule or the catalogue changed: run python docs/generate.py"


def test_the_page_of_findings_json_is_that_of_the_schema() -> None:
    generated = runpy.run_path(str(ROOT / "docs" / "generate.py"))["schema_text"]()
    written = (ROOT / "docs" / "findings-json.md").read_text(encoding="utf-8")
    assert written == generated, "the schema changed: run python docs/generate.py"


def test_the_examples_differ_in_one_line_of_code() -> None:
    texts = [(ROOT / "examples" / name).read_text(encoding="utf-8") for name in ("digits.py", "digits_fixed.py")]
    faulty, fixed = (text.split('"""')[2].splitlines() for text in texts)
    changed = [line for line in difflib.ndiff(faulty, fixed) if line[0] in "+-"]
    assert changed == ["-         return torch.softmax(self.out(x), dim=1)", "+         return self.out(x)"]


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
