"""Makes a site of docs/ as it lies in the repository, where GitHub shows it too (mkdocs calls these functions).

The navigation is docs/index.md. Links that lead out of docs/ lead to pages with what they point at. findings.md, one long page in the
repository, becomes a table and a page for each finding.
"""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path
from typing import Any, TypeAlias

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
# A program, which stays as it is; a list within a list; a link into the repository.
MARKED = re.compile(
    r"^(?P<fence>`{3,}).*?^(?P=fence)$|^(?P<nested>  )(?=- )|\]\((?!https?:|mailto:|#)(?P<target>[^)#\s]+)(?P<anchor>#[^)\s]+)?\)",
    flags=re.MULTILINE | re.DOTALL,
)
SHOWN = {".md": "", ".py": "python", ".toml": "toml", ".json": "json"}  # what has a page: the language of its text
Navigation: TypeAlias = "list[dict[str, Any]]"

sys.path.insert(0, str(Path(__file__).parent))
from generators import findings  # noqa: E402

_places: dict[str, str] = {}  # of pages of the site, where their text lies in the repository


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The navigation: headings and links of the index."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    config.nav = [{"Overview": "index.md"}, *_navigation(index)]
    return config


def _navigation(index: str) -> Navigation:
    made: Navigation = []
    within: dict[int, list[Any]] = {1: made}
    for line in index.splitlines():
        if heading := re.match(r"(##+) (.+)", line):
            level = len(heading[1])
            within = {depth: items for depth, items in within.items() if depth < level}
            within[level] = []
            within[max(depth for depth in within if depth < level)].append({heading[2]: within[level]})
            continue
        for title, target in re.findall(r"\[([^]]+)\]\((?!https?:|#)([^)#]+)\)", line):
            title = title if "." in title else title[:1].upper() + title[1:]
            page = _page_of(posixpath.normpath(posixpath.join("docs", target)))
            group = within[max(within)]
            group.append({title: _finding_pages(page) if page == "findings.md" else page})
    return made


def _finding_pages(index: str) -> Navigation:
    groups: dict[str, Navigation] = {}
    for name in findings.names():
        groups.setdefault(name.partition(".")[0], []).append({name: f"findings/{name}.md"})
    return [{"All": index}, *({group: pages} for group, pages in groups.items())]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are no files of docs/."""
    _places.clear()
    _places.update({file.src_uri: f"docs/{file.src_uri}" for file in files.documentation_pages()})
    found = files.get_file_from_path("findings.md")
    if found is not None:
        files.remove(found)
    made = {"findings.md": findings.text(whole=False)}
    made |= {f"findings/{name}.md": findings.page(name) for name in findings.names()}
    _places.update(dict.fromkeys(made, "docs/findings.md"))
    waiting = list(_places.values())
    while waiting:  # linked files may link to others
        place = waiting.pop()
        if place == "docs/findings.md":
            continue
        for target in _targets(place):
            page = _page_of(target)
            if page and page not in _places and not target.startswith("docs/"):
                _places[page] = target
                made[page] = _shown(target)
                waiting.append(target)
    for page, text in made.items():
        files.append(File.generated(config, page, content=text))
    return files


def _targets(place: str) -> list[str]:
    """What the text at a place in the repository links to, of the files there."""
    if not place.endswith(".md"):
        return []
    folder = posixpath.dirname(place)
    found = MARKED.finditer((ROOT / place).read_text(encoding="utf-8"))
    return [posixpath.normpath(posixpath.join(folder, each["target"])) for each in found if each["target"]]


def _page_of(place: str) -> str:
    """The page of the site that shows a file of the repository; "" where none does."""
    if place.startswith("docs/"):
        return place.removeprefix("docs/")
    if not (ROOT / place).is_file() or Path(place).suffix not in SHOWN:
        return ""
    return place.lower() if "/" not in place and place.endswith(".md") else f"source/{place}.md"


def _shown(place: str) -> str:
    text = (ROOT / place).read_text(encoding="utf-8")
    language = SHOWN[Path(place).suffix]
    return f"# {place}\n\n`````{language}\n{text}\n`````\n" if language else text


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to the pages of the site; indent lists within lists as Python's Markdown wants it."""
    folder = posixpath.dirname(_places[page.file.src_uri])
    here = posixpath.dirname(page.file.src_uri)
    by_anchor = {f"#{name.replace('.', '')}": name for name in findings.names()}

    def for_the_site(found: re.Match[str]) -> str:
        if found["fence"]:
            return found[0]
        if found["nested"]:
            return "    "
        target, anchor = _page_of(posixpath.normpath(posixpath.join(folder, found["target"]))), found["anchor"] or ""
        if not target:
            return "]"  # a folder: its name stays
        if target == "findings.md" and anchor in by_anchor:
            target, anchor = f"findings/{by_anchor[anchor]}.md", ""
        return f"]({posixpath.relpath(target, here or '.')}{anchor})"

    return MARKED.sub(for_the_site, markdown)
