"""The report in a real browser: nothing is asked for, and nothing is wider than the screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatapp.proofs.report import write_page
from tests.proofs import browser
from tests.proofs.browser import Tab
from tests.proofs.samples import MADE, all_of_them

BROWSER = browser.found()
pytestmark = pytest.mark.skipif(BROWSER is None, reason=browser.MISSING)

PHONE, PROJECTOR = (360, 780), (1280, 720)

# What sticks out of the page, unless a box around it scrolls.
STICKS_OUT = """
[...document.querySelectorAll('body *')].filter(e =>
  !e.closest('.scroll > *, pre > *') && e.getBoundingClientRect().right > innerWidth + 1
).map(e => e.outerHTML.slice(0, 200))
"""

# Words in drawings that stick out, or that cover other words.
COVERED = """
[...document.querySelectorAll('svg')].flatMap(svg => {
  const texts = [...svg.querySelectorAll('text')].filter(each => each.textContent);
  const boxes = texts.map(each => each.getBBox()), wide = svg.viewBox.baseVal.width;
  const found = texts.filter(
    (each, at) => boxes[at].x < -1 || boxes[at].x + boxes[at].width > wide + 1
  ).map(each => each.textContent);
  boxes.forEach((a, one) => boxes.slice(one + 1).forEach((b, more) => {
    const over = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
    const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
    if (over > 1 && down > 8)
      found.push([texts[one].textContent, texts[one + 1 + more].textContent]);
  }));
  return found;
})
"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    assert BROWSER is not None
    with browser.running(BROWSER, tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    write_page(path, all_of_them(), made=MADE)
    return path


def test_the_browser_asks_for_the_page_and_nothing_else(tab: Tab, report: Path) -> None:
    tab.go(report)
    tab.value("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert tab.requests == [report.as_uri()]
    # Requests would be seen here: a page that asks for a picture.
    other = report.with_name("other.html")
    other.write_text("<img src=picture.png>")
    tab.go(other)
    assert len(tab.requests) == 2


def test_not_even_injected_markup_could_load_or_run(tab: Tab, report: Path) -> None:
    bad = "<script>document.title = 'ran'</script><img src=picture.png onerror=\"title='ran'\">"
    report.write_text(report.read_text("utf-8").replace("</main>", bad + "</main>"), "utf-8")
    tab.go(report)
    assert tab.value("document.querySelectorAll('main script, main img').length") == 2
    assert tab.value("document.title") == "chatapp: evidence"
    assert tab.requests == [report.as_uri()]


@pytest.mark.parametrize("size", [PHONE, PROJECTOR])
@pytest.mark.parametrize("folded", [True, False])
def test_nothing_is_wider_than_the_screen(
    tab: Tab, report: Path, size: tuple[int, int], folded: bool
) -> None:
    tab.look(*size)
    tab.go(report)
    if not folded:
        tab.value("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert tab.value("document.documentElement.scrollWidth") == size[0]
    assert tab.value(STICKS_OUT) == []


def test_light_and_dark_are_what_the_reader_prefers(tab: Tab, report: Path) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        tab.look(*PROJECTOR, prefers_color_scheme=scheme)
        tab.go(report)
        grounds.append(tab.value("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(20, 23, 26)"]


def test_a_projector_gets_large_type_and_short_lines(tab: Tab, report: Path) -> None:
    tab.look(*PROJECTOR)
    tab.go(report)
    assert tab.value("parseFloat(getComputedStyle(document.body).fontSize)") >= 20
    assert (
        tab.value("parseFloat(getComputedStyle(document.querySelector('.claim')).fontSize)") >= 27
    )
    assert tab.value("document.body.clientWidth") <= 1100


def test_drawn_words_do_not_cover_each_other_or_leave_the_drawing(tab: Tab, report: Path) -> None:
    """Words are placed by an estimate of their width; the browser knows the true one."""
    tab.look(*PROJECTOR)
    tab.go(report)
    assert tab.value(COVERED) == []


def test_paper_shows_what_is_folded_away(tab: Tab, report: Path) -> None:
    tab.look(*PROJECTOR)
    tab.go(report)
    seen = "document.querySelector('details pre.ids').checkVisibility()"
    assert tab.value(seen) is False
    tab.ask("Emulation.setEmulatedMedia", media="print")
    try:
        assert tab.value(seen) is True
    finally:
        tab.ask("Emulation.setEmulatedMedia", media="")
