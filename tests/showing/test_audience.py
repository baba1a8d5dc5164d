"""The audience's view over real HTTP: the link opens it, and nothing else does."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from chatapp.errors import ShowingError
from chatapp.showing.access import Door
from chatapp.showing.frames import Frames, Seen
from chatapp.showing.page import headers, page
from chatapp.showing.server import AudienceServer


@asynccontextmanager
async def serving(
    text: str = "hello",
) -> AsyncIterator[tuple[AudienceServer, aiohttp.ClientSession]]:
    frames = Frames(lambda: 1, lambda: Seen(text, lambda: f"<svg>{text}</svg>"), pause=0.01)
    server = AudienceServer(Door.open(), frames)
    await server.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield server, session
    finally:
        await server.close()


async def test_the_link_opens_the_page_and_the_picture():
    async with serving() as (server, session):
        answer = await session.get(server.door.link)
        assert answer.status == 200
        body = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
        nonce = re.search(r'<script nonce="([^"]+)"', body)
        assert nonce is not None
        assert f"script-src 'nonce-{nonce[1]}'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        answer = await session.get(server.door.link + "screen?after=0")
        assert await answer.text() == "<svg>hello</svg>"
        assert answer.headers["X-Screen"] == "1"
        assert answer.headers["Content-Type"].startswith("image/svg+xml")
        assert answer.headers["Cache-Control"] == "no-store"
        assert server.door.link.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    "path", ["", "wrong/", "wrong/screen", "%C3%A4%00/", "../etc/passwd", "x/y/z"]
)
async def test_without_the_secret_nothing_is_shown(path):
    async with serving() as (server, session):
        url = f"http://127.0.0.1:{server.door.port}/{path}"
        answer = await session.get(url)
        assert answer.status == 403
        body = await answer.text()
        assert "hello" not in body
        assert server.door.secret not in body
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert not server.frames.watched


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "", "[::1]:{port}"]
)
async def test_a_page_elsewhere_cannot_reach_it_by_another_name(host):
    async with serving() as (server, session):
        host = host.format(port=server.door.port)
        answer = await session.get(server.door.link, headers={"Host": host})
        assert answer.status in (400, 403)
        assert "script" not in await answer.text()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_it_takes_no_input(method):
    async with serving() as (server, session):
        answer = await session.request(method, server.door.link + "screen", data=b"x")
        assert answer.status in (403, 405)


@pytest.mark.parametrize("after", ["-1", "x", "9" * 13, "1e3", "²"])
async def test_odd_numbers_are_refused_in_a_word(after):
    async with serving() as (server, session):
        answer = await session.get(server.door.link + "screen", params={"after": after})
        assert answer.status == 400


async def test_every_run_has_another_secret_and_a_taken_port_is_said():
    first, second = Door.open(), Door.open()
    assert first.secret != second.secret
    assert len(first.secret) >= 24
    assert not first.knows(second.secret)
    assert not first.knows("\ud800")
    assert first.secret not in repr(first)
    with pytest.raises(ShowingError, match=f"port {first.port}"):
        Door.open(first.port)
    first.socket.close()
    second.socket.close()
    assert first.closed


async def test_only_this_machine_is_listened_to():
    async with serving() as (server, _):
        assert server.door.socket.getsockname()[0] == "127.0.0.1"
        port = server.door.port
    with socket.socket() as free:  # and the port is given back
        free.connect_ex(("127.0.0.1", port))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_the_page_needs_nothing_from_elsewhere():
    text = page("abc")
    assert not re.search(
        r"https?:|//[a-z]|@import|url\(", re.sub(r"^\s*//.*$", "", text, flags=re.M)
    )
    assert text.count('nonce="abc"') == 2
    assert "innerHTML" not in text
    assert "script-src 'none'" in headers()["Content-Security-Policy"]


async def test_waiting_ends_with_the_view():
    async with serving() as (server, session):
        waiting = asyncio.create_task(session.get(server.door.link + "screen?after=1"))
        while not server.frames.viewers:
            await asyncio.sleep(0.01)
    with pytest.raises(aiohttp.ClientError):
        await waiting
