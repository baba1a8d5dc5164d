"""The pages over real HTTP: who is let in, what is refused, and what ends with what."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp
import pytest

from chatapp.engine.protocol import Sampling
from chatapp.serving.broker import Broker
from chatapp.serving.door import Door
from chatapp.serving.guard import Guard
from chatapp.serving.limits import Limits
from chatapp.serving.pages import PAGES
from chatapp.serving.visit import Visit
from chatapp.serving.web import Site
from tests.serving.test_door import Clock
from tests.serving.visitors import Scripted

WS_HEADERS = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}


@dataclass
class Served:
    site: Site
    port: int
    session: aiohttp.ClientSession
    clock: Clock
    said: list[str]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def link(self, uses: int = 1) -> str:
        return f"{self.base}/join/{self.site.door.new_link(uses)}"

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        url = path if path.startswith("http") else self.base + path
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.get(url, headers=names, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def join(self, link: str | None = None, origin: str | None = None) -> str | None:
        """The cookie of a new visitor; None if not let in."""
        headers = {"Origin": self.base if origin is None else origin}
        async with self.session.post(
            link or self.link(), headers=headers, allow_redirects=False
        ) as answer:
            cookie = answer.cookies.get("chatapp")
            return cookie.value if answer.status == 303 and cookie else None

    def screen(self, cookie: str) -> AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]:
        headers = {"Origin": self.base, "Cookie": f"chatapp={cookie}"}
        return self.session.ws_connect(f"{self.base}/ws?width=80&height=24", headers=headers)

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        async with asyncio.timeout(20):
            try:
                while not condition():
                    await asyncio.sleep(0.02)
            except asyncio.CancelledError:
                raise AssertionError(f"never: {what} {self.said}") from None


@pytest.fixture
def serving(
    default_model: Path, tmp_path: Path
) -> Callable[..., AbstractAsyncContextManager[Served]]:
    @asynccontextmanager
    async def open_it(**limits: int) -> AsyncIterator[Served]:
        engine, clock, said = Scripted(), Clock(), []
        found = Limits(**limits)
        broker, door = Broker(engine, found), Door(found, clock)  # type: ignore[arg-type]
        await broker.start()
        visit = Visit(
            number=0,
            weights=str(default_model),
            label="scripted <model>",
            sha256="",
            limits=asdict(found),
            sampling=Sampling(max_tokens=100).as_dict(),
        )
        site = Site(broker, door, found, visit, tmp_path, guard=Guard(["class"]), said=said.append)
        port = await site.open("127.0.0.1", 0)
        jar = aiohttp.DummyCookieJar()
        try:
            async with aiohttp.ClientSession(cookie_jar=jar) as session:
                yield Served(site, port, session, clock, said)
        finally:
            await site.close()
            await broker.close()
        assert list(tmp_path.iterdir()) == []  # no home is left behind

    return open_it


Serving = Callable[..., AbstractAsyncContextManager[Served]]


async def test_nobody_comes_in_without_a_link(serving: Serving) -> None:
    async with serving() as served:
        status, text = await served.get("/")
        assert (status, "open the link" in text) == (403, True)
        assert (await served.get("/join/guess"))[0] == 403
        assert await served.join(f"{served.base}/join/guess") is None
        status, text = await served.get("/ws", Origin=served.base, **WS_HEADERS)
        assert (status, "not been let in" in text) == (403, True)
        assert (await served.get("/", Cookie="chatapp=guess"))[0] == 403


async def test_a_link_is_exchanged_for_a_cookie_once(serving: Serving) -> None:
    async with serving() as served:
        link = served.link()
        for _ in range(3):  # previews of links look as well, and use nothing up
            status, text = await served.get(link)
            assert status == 200
            assert "scripted &lt;model&gt;" in text
        headers = {"Origin": served.base}
        async with served.session.post(link, headers=headers, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/")
            cookie = answer.cookies["chatapp"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert cookie.value not in link
        assert await served.join(link) is None
        status, text = await served.get("/", Cookie=f"chatapp={cookie.value}")
        assert (status, "/static/js/textual.js" in text) == (200, True)
        served.clock.now += 120 * 60
        status, text = await served.get("/", Cookie=f"chatapp={cookie.value}")
        assert (status, "minutes here are over" in text) == (403, True)


async def test_a_used_link_asks_once_more_from_our_own_page(serving: Serving) -> None:
    """A click elsewhere brings no cookie along; what our own page asks for does."""
    async with serving() as served:
        link = served.link()
        cookie = await served.join(link)
        status, text = await served.get(link)
        assert (status, 'content="0; url=?again=1"' in text) == (200, True)
        assert link.rpartition("/")[2] not in text
        assert (await served.get(f"{link}?again=1", Cookie=f"chatapp={cookie}"))[0] == 303
        status, text = await served.get(f"{link}?again=1")  # another browser
        assert (status, "let in everyone" in text) == (403, True)
        # A link that is not ours is refused at once, so no other site can send anybody in.
        status, text = await served.get("/join/guess")
        assert (status, "again=1" in text) == (403, False)


@pytest.mark.parametrize("origin", ["", "null", "http://evil.example", "http://127.0.0.1:1"])
async def test_no_page_of_another_server_can_use_a_visit(serving: Serving, origin: str) -> None:
    async with serving() as served:
        link = served.link(2)
        assert await served.join(link, origin=origin) is None
        cookie = await served.join(link)
        headers = {"Cookie": f"chatapp={cookie}", "Origin": origin, **WS_HEADERS}
        assert (await served.get("/ws", **headers))[0] == 403
        assert not served.site.screens


async def test_only_our_own_names_are_answered_to(serving: Serving) -> None:
    async with serving() as served:
        link = served.link()
        for host in ("evil.example", f"evil.example:{served.port}", "127.0.0.1:1", "", "a@b", "[x"):
            assert (await served.get(link, Host=host))[0] == 421, host
        for host in (f"127.0.0.1:{served.port}", f"LOCALHOST:{served.port}", "class", "class:99"):
            assert (await served.get(link, Host=host))[0] == 200, host


async def test_every_answer_tells_the_browser_what_to_refuse(serving: Serving) -> None:
    async with serving() as served:
        for path in ("/", "/join/x", "/static/js/textual.js", "/page/page.css", "/nothing"):
            async with served.session.get(served.base + path) as answer:
                assert answer.headers["X-Content-Type-Options"] == "nosniff", path
                assert answer.headers["X-Frame-Options"] == "DENY"
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "script-src 'self';" in policy
                assert "frame-ancestors 'none'" in policy
                assert "Python" not in answer.headers["Server"]


@pytest.mark.parametrize(
    "path", ["/static/", "/static/js/", "/page/", "/static/../server.py", "/page/%2e%2e/web.py"]
)
async def test_no_folder_is_listed_and_none_is_left(serving: Serving, path: str) -> None:
    async with serving() as served:
        status, text = await served.get(path)
        assert status in (403, 404)
        assert "import" not in text


def test_the_page_names_nothing_on_another_server() -> None:
    for file in PAGES.iterdir():
        assert not re.findall(r"(?:https?:)?//\w[\w.]*\.\w", file.read_text("utf-8")), file.name


def running(folder: Path) -> list[int]:
    """The processes whose home is in this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if f"HOME={folder}".encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


async def test_a_screen_has_a_process_of_its_own_that_can_write_and_see_little(
    serving: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("CHATAPP_HOME", "/the/teachers")
    async with serving() as served:
        cookie = await served.join()
        assert cookie
        async with served.screen(cookie) as channel:
            first = await channel.receive(timeout=20)
            assert first.type is aiohttp.WSMsgType.BINARY
            (process,) = running(tmp_path)
            environment = Path(f"/proc/{process}/environ").read_bytes()
            assert b"secret" not in environment
            assert b"teachers" not in environment
            limits = Path(f"/proc/{process}/limits").read_text()
            assert re.search(r"Max file size +0 +0 ", limits)
            assert re.search(r"Max core file size +0 +0 ", limits)
            assert re.search(r"Max address space +\d+ +\d+ ", limits)
            assert os.getpriority(os.PRIO_PROCESS, process) >= 10
        await served.until(lambda: not served.site.screens, "the screen is gone")
        assert not running(tmp_path)


async def test_the_newest_page_of_a_visitor_is_the_one_that_counts(serving: Serving) -> None:
    async with serving(visitors=1) as served:
        link = served.link(2)
        cookie, other = await served.join(link), await served.join(link)
        assert cookie
        assert other
        async with served.screen(cookie) as first:
            await first.receive(timeout=20)
            async with served.screen(cookie) as second:
                await second.receive(timeout=20)
                async with asyncio.timeout(10):
                    async for _ in first:
                        pass
                assert first.closed
                assert len(served.site.screens) == 1
                status, text = await served.get("/", Cookie=f"chatapp={other}")
                assert (status, "All 1 places are taken" in text) == (503, True)
                headers = {"Cookie": f"chatapp={other}", "Origin": served.base, **WS_HEADERS}
                assert (await served.get("/ws", **headers))[0] == 503
        await served.until(lambda: not served.site.screens, "the place is free")
        assert (await served.get("/", Cookie=f"chatapp={other}"))[0] == 200


async def test_a_visit_ends_when_its_time_is_over_and_when_its_process_is_killed(
    serving: Serving, tmp_path: Path
) -> None:
    async with serving(idle_minutes=1) as served:
        link = served.link(3)
        cookies = [await served.join(link) for _ in range(3)]
        assert all(cookies)
        killed, idle, late = map(str, cookies)
        async with served.screen(killed) as channel:
            await channel.receive(timeout=20)
            os.kill(running(tmp_path)[0], 9)
            await served.until(lambda: not served.site.screens, "its socket ends with it")
        assert "Its screen failed" in served.said[-1]
        async with served.screen(idle) as channel:
            await channel.receive(timeout=20)
            next(iter(served.site.screens.values())).typed -= 60
            await served.until(lambda: not served.site.screens, "idle")
        _, why = await served.get("/why", Cookie=f"chatapp={idle}")
        assert "Nothing was typed for 1 minutes" in why
        async with served.screen(late) as channel:
            await channel.receive(timeout=20)
            served.clock.now += 121 * 60
            await served.until(lambda: not served.site.screens, "over")
        assert not running(tmp_path)


async def test_a_huge_paste_holds_up_no_end(serving: Serving) -> None:
    async with serving() as served:
        async with served.screen(str(await served.join())) as channel:
            await channel.receive(timeout=20)
            await channel.send_str(json.dumps(["stdin", "x" * 900_000]))  # minutes of typing
            [screen] = served.site.screens.values()
            await asyncio.sleep(0.3)
            async with asyncio.timeout(10):
                await served.site._end(screen, "over")
        assert not served.site.screens


@pytest.mark.parametrize(
    "message",
    [
        "not json",
        "[]",
        '["stdin", 5]',
        '["resize", {"width": "x"}]',
        '["resize", {"width": Infinity, "height": 1}]',
        "[" * 60_000,
    ],
)
async def test_what_no_page_of_ours_sends_ends_that_screen_alone(
    serving: Serving, message: str
) -> None:
    async with serving() as served:
        link = served.link(2)
        cookies = [await served.join(link), await served.join(link)]
        async with served.screen(str(cookies[0])) as calm, served.screen(str(cookies[1])) as odd:
            await calm.receive(timeout=20)
            await odd.receive(timeout=20)
            await odd.send_str('["resize", {"width": 1000000000, "height": -5}]')
            await odd.send_str(message)
            await served.until(lambda: len(served.site.screens) == 1, "it has ended")
            await calm.send_str('["ping", "1"]')
            async with asyncio.timeout(5):
                while (told := await calm.receive()).type is not aiohttp.WSMsgType.TEXT:
                    pass
            assert "pong" in told.data
