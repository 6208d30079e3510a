"""The page as a browser shows it: nothing is asked of any network, nothing is wrong on the console, it fits a phone."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sample_run as sample
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from seatrial import report
from seatrial.events import GroupInfo, OptimizerBuilt
from seatrial.findings import Finding
from seatrial.verdict import Verdict

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
HOSTILE = "</style></pre><script>document.title='taken'</script><img src=http://localhost/x onerror=alert(1)>\"'"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is missing: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Visit:
    """A page opened with an eye on what it asks for and complains about."""

    def __init__(self, browser: Browser, folder: Path, verdict: Verdict, width: int, scheme: str) -> None:
        report.write(verdict, folder)
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
        self.page.route(lambda url: not url.startswith("file://"), lambda route: route.abort())
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        self.page.goto((folder / "report.html").as_uri())


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("text", ["plain", HOSTILE])
def test_the_page_asks_for_nothing_complains_of_nothing_and_fits(
    browser: Browser, tmp_path: Path, width: int, scheme: str, text: str
) -> None:
    plain = sample.verdict(sample.softmax(), sample.unseeded(), also=sample.tried())
    verdict = sample.hostile(HOSTILE) if text == HOSTILE else plain
    visit = Visit(browser, tmp_path, verdict, width, scheme)
    assert visit.asked == [(tmp_path / "report.html").as_uri()]
    assert visit.complaints == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    assert visit.page.locator("script, img, iframe").count() == 0
    assert visit.page.title() != "taken"
    visit.page.close()


def test_dark_and_light_differ_and_both_can_be_read(browser: Browser, tmp_path: Path) -> None:
    contrasts: dict[str, float] = {}
    for scheme in ("light", "dark"):
        visit = Visit(browser, tmp_path, sample.verdict(sample.softmax()), 1280, scheme)
        ink, paper = visit.page.evaluate(
            "['color', 'backgroundColor'].map(what => getComputedStyle(document.body)[what].match(/\\d+/g).map(Number))"
        )
        contrasts[scheme] = (sum(ink) - sum(paper)) / 3
        visit.page.close()
    assert contrasts["light"] < -128
    assert contrasts["dark"] > 128


def test_what_is_folded_away_opens(browser: Browser, tmp_path: Path) -> None:
    visit = Visit(browser, tmp_path, sample.verdict(sample.unseeded()), 390, "light")
    remedy = visit.page.get_by_text(sample.unseeded().remedy)
    assert not remedy.is_visible()
    visit.page.locator("summary", has_text="loop.unseeded-run").click()
    assert remedy.is_visible()
    visit.page.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_trials_are_drawn(browser: Browser, tmp_path: Path, width: int) -> None:
    visit = Visit(browser, tmp_path, sample.verdict(sample.softmax(), also=sample.tried()), width, "light")
    trials = visit.page.locator("section", has=visit.page.get_by_role("heading", name="Trials"))
    trials.scroll_into_view_if_needed()
    charts = trials.get_by_role("img")
    assert charts.count() == 2 + 2 + 4 + 1 + 1
    for at in range(charts.count()):
        field = charts.nth(at).locator(".field").bounding_box()
        assert field is not None
        assert field["width"] > 100
        for shape in charts.nth(at).locator(".dot, .bar").all():
            box = shape.bounding_box()
            assert box is not None
            assert field["x"] - 4 <= box["x"] <= field["x"] + field["width"] + 4 - box["width"]
            assert field["y"] - 4 <= box["y"] <= field["y"] + field["height"] + 4 - box["height"]
    assert trials.locator(".bar").count() == 10 + 4
    assert visit.page.locator("article").get_by_role("img").count() == 1 + 2
    visit.page.close()


def rich() -> Verdict:
    """The sample with all that a page can hold: findings with pictures and a diff, a note, trials, filters."""
    group = GroupInfo(tuple(range(6)), {"lr": 0.05, "momentum": 0.9})
    optimizer = OptimizerBuilt(0, 0, "SGD", (group,), None)
    places = (sample.place("return torch.softmax"),)
    mended = replace(sample.softmax(), where=places, evidence={**sample.softmax().evidence, "made_by": "softmax"})
    slow = Finding("optimisation.learning-rate-too-low", "warning", "Steps are small.", places, {}, "Try 1.0.")
    return sample.verdict(mended, slow, sample.unseeded(), also=[*sample.tried(), optimizer])


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_axe_finds_nothing_serious(browser: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    visit = Visit(browser, tmp_path, rich(), width, scheme)
    for summary in visit.page.locator("summary").all():
        summary.click()
    found = Axe().run(visit.page).response["violations"]
    assert [each for each in found if each["impact"] in ("serious", "critical")] == []
    assert visit.page.locator(".diff .comes").count() == 1
    visit.page.close()


def test_every_link_leads_to_a_chapter(browser: Browser, tmp_path: Path) -> None:
    visit = Visit(browser, tmp_path, rich(), 390, "light")
    links = visit.page.locator("a[href^='#']")
    assert links.count() >= 8 + 2
    for link in links.all():
        assert visit.page.locator(link.get_attribute("href") or "").count() == 1
    titles = visit.page.locator("h2").all_inner_texts()
    assert visit.page.locator("nav a").all_inner_texts() == titles
    visit.page.close()


def test_all_can_be_reached_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    visit = Visit(browser, tmp_path, rich(), 390, "light")
    reached: set[str] = set()
    for _ in range(60):
        visit.page.keyboard.press("Tab")
        reached.add(visit.page.evaluate("document.activeElement.tagName"))
    assert {"A", "PRE", "SUMMARY", "DIV"} <= reached
    visit.page.locator("summary").first.focus()
    visit.page.keyboard.press("Enter")
    assert visit.page.get_by_text(sample.unseeded().remedy).is_visible()
    visit.page.close()


def test_in_print_all_is_open_and_nothing_is_dark(browser: Browser, tmp_path: Path) -> None:
    visit = Visit(browser, tmp_path, rich(), 800, "dark")
    remedy = visit.page.get_by_text(sample.unseeded().remedy)
    assert not remedy.is_visible()
    visit.page.emulate_media(media="print", color_scheme="dark")
    box = remedy.bounding_box()
    assert box is not None
    assert box["height"] > 10
    colours = (
        "[...document.querySelectorAll('body, article, pre, .line')].map(e => getComputedStyle(e).backgroundColor)"
    )
    opaque = [colour for colour in visit.page.evaluate(colours) if not colour.startswith("rgba")]
    assert opaque
    assert all(min(map(int, re.findall(r"\d+", colour))) > 180 for colour in opaque)
    cut = (
        "[...document.querySelectorAll('pre, .scroll')].filter(e => getComputedStyle(e).overflowX != 'visible').length"
    )
    assert visit.page.evaluate(cut) == 0
    visit.page.close()
