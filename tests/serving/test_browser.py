"""Several visitors at once in a real browser: each has the screen, and only what is one's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.proofs import browser
from tests.serving.command import serving

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
# What is on the screen, as text: the terminal paints on a canvas, so its buffer is what is read.
ROWS = """() => {
  const term = window.chatappTerminal;
  return term ? Array.from({length: term.rows}, (_, n) =>
    term.buffer.active.getLine(n)?.translateToString() ?? "").join("\\n") : "";
}"""
# The page keeps its terminal to itself; catch it as it is fitted to the window.
CATCH = """(() => {
  const keep = Object.getOwnPropertyDescriptor(Object.prototype, "bufferedBytes");
  Object.defineProperty(Object.prototype, "bufferedBytes", {
    configurable: true,
    set(value) {
      Object.defineProperty(this, "bufferedBytes", {value, writable: true, enumerable: true});
      window.chatappTerminal = this.terminal;
    },
  });
})();"""


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    path = browser.found()
    if path is None:
        pytest.skip(browser.MISSING)
    playwright = pytest.importorskip(
        "playwright.async_api", reason="playwright is not installed: pip install -e '.[dev]'"
    )
    async with playwright.async_playwright() as run:
        opened = await run.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        await opened.close()


async def sees(page: Page, text: str, seconds: float = 40) -> None:
    """This text stands on the page's screen, sooner or later."""
    shown = ""
    async with asyncio.timeout(seconds):
        try:
            while text not in shown:
                shown = await page.evaluate(ROWS)
                await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            raise AssertionError(f"never “{text}” in:\n{shown}") from None


async def test_several_visitors_at_once(
    chromium: Browser, default_model: Path, tmp_path: Path
) -> None:
    asked: list[str] = []
    wrong: list[str] = []
    async with serving(default_model, tmp_path, "--visitors", "3") as command:
        (link,) = command.links
        base = link.partition("/join/")[0]

        async def visit() -> Page:
            context = await chromium.new_context(viewport={"width": 1200, "height": 700})
            page = await context.new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.on("pageerror", lambda error: wrong.append(str(error)))
            await page.add_init_script(CATCH)
            await page.goto(link)
            await page.click("button")
            return page

        pages = [await visit() for _ in range(3)]
        for page in pages:
            await sees(page, "ready")
        for n, page in enumerate(pages):
            await page.keyboard.type(f"My number is marker-{n}-end. Say hello.")
            await page.keyboard.press("Enter")
        for page in pages:
            await sees(page, "turn 1:")
        for n, page in enumerate(pages):
            shown = await page.evaluate(ROWS)
            assert f"marker-{n}-end" in shown
            assert not any(f"marker-{m}-end" in shown for m in range(3) if m != n), shown
        await pages[0].keyboard.press("Control+s")
        await sees(pages[0], "Visitors write no files")
        await pages[1].keyboard.press("Alt+n")
        await sees(pages[1], "session 2 of 2")

        # The same visitor again: the old page says so, the new one begins anew.
        again = await pages[0].context.new_page()
        await again.add_init_script(CATCH)
        await again.goto(base)
        await sees(again, "ready")
        await pages[0].wait_for_selector("body.-closed")
        await pages[0].wait_for_function("document.querySelector('#why').innerText.includes('tab')")

        # A fourth browser finds the link used up.
        other = await chromium.new_context()
        page = await other.new_page()
        await page.goto(link)
        await page.wait_for_selector("text=let in everyone")

        # Clicked on another site's page (a class chat), it leads a browser that was let in back.
        elsewhere = await pages[1].context.new_page()
        await elsewhere.add_init_script(CATCH)
        body = f'<a href="{link}">join</a>'
        await elsewhere.route(
            "http://class.example/",
            lambda route: route.fulfill(body=body, content_type="text/html"),
        )
        await elsewhere.goto("http://class.example/")
        await elsewhere.click("a")
        await elsewhere.wait_for_url(f"{base}/")
        await sees(elsewhere, "ready")

        # A page of another server reaches nothing here, cookie or not.
        await page.goto("data:text/html,<p>elsewhere</p>")
        socket = f"new WebSocket('{base.replace('http', 'ws')}/ws')"
        refused = f"new Promise(done => {{ const s = {socket}; s.onerror = () => done(true); }})"
        assert await page.evaluate(refused)

        assert await command.stop() == 0
        await again.wait_for_selector("body.-closed")
    assert not wrong
    assert {url.split("/")[2] for url in asked} == {base.split("/")[2]}  # nothing from elsewhere
    assert not list((tmp_path / "transcripts").rglob("*"))
