"""The pages, and a socket for each visitor's screen. Nothing is loaded from elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import textual_serve
from aiohttp import WSCloseCode, WSMsgType, web

from chatapp.serving.broker import MAX_REQUEST, Broker
from chatapp.serving.door import UNKNOWN, Door, NotAdmitted
from chatapp.serving.guard import Guard
from chatapp.serving.limits import Allowance, Limits, Visitor
from chatapp.serving.pages import AGAIN, PAGES, page, refusal, welcome
from chatapp.serving.process import VisitorProcess
from chatapp.serving.visit import Visit

__all__ = ["Site"]

COOKIE: Final = "chatapp"
STATIC: Final = Path(textual_serve.__file__).parent / "static"
MAX_MESSAGE: Final = 1 << 20
"""Bytes of one message from a browser: a long paste."""
TYPED: Final = 4 << 10
PASTED: Final = 64 << 10
"""Bytes a second that a browser may send for long, and at once; more waits in its connection. A
hand on keys and mouse sends less than half of that."""
_LOOK: Final = 1.0
"""Seconds between two looks at the time that visitors have left."""
_HEARTBEAT: Final = 15.0

FULL: Final = "All {visitors} places are taken just now. Try again in a minute."
ELSEWHERE: Final = "This chat was opened in another tab or window, so it ended here."
IDLE: Final = "Nothing was typed for {minutes} minutes, so this session has ended."
ENDED: Final = "This session has ended. Nothing of it was kept."


@dataclasses.dataclass(slots=True, eq=False)
class _Screen:
    """A visitor's open page: its socket, its process, and when something was typed last."""

    visitor: Visitor
    socket: web.WebSocketResponse
    process: VisitorProcess
    typed: float
    ending: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    gone: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)


class Site:
    """Serves the pages of one class. ``visit`` is what each screen is told, but for its number.

    ``said`` is told, in a sentence, who comes and goes; never what is said.
    """

    def __init__(
        self,
        broker: Broker,
        door: Door,
        limits: Limits,
        visit: Visit,
        folder: Path,
        *,
        guard: Guard | None = None,
        said: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.broker, self.door, self.limits = broker, door, limits
        self.screens: dict[Visitor, _Screen] = {}
        self._visit, self._folder, self._said = visit, folder, said
        self._guard = guard or Guard()
        self._why: dict[Visitor, str] = {}
        self._entering: dict[Visitor, asyncio.Lock] = {}
        self._runner: web.AppRunner | None = None
        self._watch: asyncio.Task[None] | None = None
        self._links: set[asyncio.Task[None]] = set()

    def app(self) -> web.Application:
        """The routes; no folder is listed."""
        app = web.Application(middlewares=[self._guard.middleware], client_max_size=1 << 14)
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/join/{secret}", self._knock),
                web.post("/join/{secret}", self._join),
                web.get("/why", self._reason),
                web.get("/ws", self._socket),
                web.static("/page", PAGES, show_index=False),
                web.static("/static", STATIC, show_index=False),
            ]
        )
        return app

    async def open(self, host: str, port: int) -> int:
        """Listen; the port. Raises ``OSError``."""
        self._runner = web.AppRunner(
            self.app(), access_log=None, handle_signals=False, shutdown_timeout=1.0
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self._watch = asyncio.create_task(self._look_at_the_time())
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """End every screen, its process with it, and stop listening."""
        if self._watch is not None:
            self._watch.cancel()
        screens = list(self.screens.values())
        await asyncio.gather(
            *(self._end(one, "The chat has been ended.") for one in screens), return_exceptions=True
        )
        if self._runner is not None:
            await self._runner.cleanup()
        await asyncio.gather(*self._links, return_exceptions=True)

    # ── pages ───────────────────────────────────────────────────────────────────────────────────

    def _who(self, request: web.Request) -> Visitor:
        return self.door.who(request.cookies.get(COOKIE))

    async def _index(self, request: web.Request) -> web.StreamResponse:
        try:
            visitor = self._who(request)
        except NotAdmitted as why:
            return refusal(why)
        if self._full(visitor):
            return refusal(self._full(visitor), 503)
        return web.FileResponse(PAGES / "index.html", headers={"Cache-Control": "no-store"})

    def _full(self, visitor: Visitor) -> str:
        if visitor in self.screens or len(self.screens) < self.limits.visitors:
            return ""
        return FULL.format(visitors=self.limits.visitors)

    async def _knock(self, request: web.Request) -> web.StreamResponse:
        """What awaits a visitor. Looking does not use the link up: previews of links look too."""
        try:
            self._who(request)
        except NotAdmitted:
            pass
        else:
            raise web.HTTPSeeOther("/")
        try:
            self.door.look(request.match_info["secret"])
        except NotAdmitted as why:
            # A click on another site's page brings no cookie along (SameSite=Strict): somebody who
            # was let in would be told that the link is used up. Our own page asks once more, with
            # the cookie. Only for links of ours, so that no other site can send anybody here.
            if str(why) != UNKNOWN and "again" not in request.query:
                return page(AGAIN)
            return refusal(why)
        return page(welcome(self.limits, self._visit.label))

    async def _join(self, request: web.Request) -> web.StreamResponse:
        if not self._guard.same_origin(request):
            return refusal("This has to come from the page of the link itself.")
        answer = web.Response(status=303, headers={"Location": "/"})
        try:
            self._who(request)
        except NotAdmitted:
            try:
                visitor, cookie = self.door.admit(request.match_info["secret"])
            except NotAdmitted as why:
                return refusal(why)
            self._said(f"Visitor {visitor.number} was let in.")
            answer.set_cookie(
                COOKIE,
                cookie,
                max_age=self.limits.minutes * 60,
                httponly=True,
                samesite="Strict",
                path="/",
            )
        return answer

    async def _reason(self, request: web.Request) -> web.StreamResponse:
        """Why this visitor's last session ended."""
        try:
            visitor = self._who(request)
        except NotAdmitted as why:
            return web.Response(text=str(why))
        return web.Response(text=self._why.get(visitor, ENDED))

    # ── screens ─────────────────────────────────────────────────────────────────────────────────

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if not self._guard.same_origin(request):
            return web.Response(status=403, text="This page is not ours.\n")
        try:
            visitor = self._who(request)
        except NotAdmitted as why:
            return web.Response(status=403, text=f"{why}\n")
        channel = web.WebSocketResponse(heartbeat=_HEARTBEAT, max_msg_size=MAX_MESSAGE)
        async with self._entering.setdefault(visitor, asyncio.Lock()):
            if before := self.screens.get(visitor):
                await self._end(before, ELSEWHERE)
            process = await self._process(visitor, channel)
            if full := self._full(visitor):
                await process.stop()
                return web.Response(status=503, text=f"{full}\n")
            screen = self.screens[visitor] = _Screen(visitor, channel, process, time.monotonic())
        try:
            await channel.prepare(request)
            self._why.pop(visitor, None)
            await screen.process.start(
                _number(request.query.get("width"), 80), _number(request.query.get("height"), 24)
            )
            self._said(f"Visitor {visitor.number} has a screen ({len(self.screens)} open).")
            await self._carry(screen)
        finally:
            await asyncio.shield(self._left(screen))
        return channel

    async def _process(self, visitor: Visitor, channel: web.WebSocketResponse) -> VisitorProcess:
        """A process for this visitor, linked to the broker by a socket that has no name."""
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours, limit=MAX_REQUEST)
        task = asyncio.create_task(self.broker.attend(visitor, reader, writer))
        self._links.add(task)
        task.add_done_callback(self._links.discard)

        async def close() -> None:
            await channel.close()

        visit = dataclasses.asdict(dataclasses.replace(self._visit, number=visitor.number))
        return VisitorProcess(
            visit, theirs, self._folder, write_bytes=channel.send_bytes, close=close
        )

    async def _carry(self, screen: _Screen) -> None:
        """Hand what the browser sends to the screen's process, no faster than a person types."""
        typed = Allowance(TYPED, PASTED)
        async for message in screen.socket:
            if message.type is not WSMsgType.TEXT:
                continue
            if (seconds := typed.take(len(message.data))) > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(screen.ending.wait(), seconds)
            if screen.ending.is_set():
                return
            try:
                kind, *rest = json.loads(message.data)
                await self._hand_over(screen, kind, *rest)
            except (
                ValueError,
                TypeError,
                KeyError,
                AttributeError,
                OverflowError,
                RecursionError,
            ):
                return  # no page of ours sends such a thing

    async def _hand_over(self, screen: _Screen, kind: str, value: Any = None) -> None:
        process = screen.process
        if kind == "stdin":
            screen.typed = time.monotonic()
            await process.send_bytes(value.encode("utf-8", "replace"))
        elif kind == "resize":
            await process.set_terminal_size(int(value["width"]), int(value["height"]))
        elif kind == "ping":
            await screen.socket.send_json(["pong", str(value)[:32]])
        elif kind == "blur":
            await process.blur()
        elif kind == "focus":
            await process.focus()

    async def _end(self, screen: _Screen, why: str) -> None:
        """End a screen and say why; it is gone when this returns."""
        self._why[screen.visitor] = why
        screen.ending.set()
        with contextlib.suppress(OSError, RuntimeError):
            await screen.socket.close(code=WSCloseCode.GOING_AWAY, message=b"ended")
        await screen.gone.wait()

    async def _left(self, screen: _Screen) -> None:
        await screen.process.stop()
        if self.screens.get(screen.visitor) is screen:
            del self.screens[screen.visitor]
        screen.gone.set()
        failed = " Its screen failed." if screen.process.failed else ""
        number = screen.visitor.number
        self._said(f"Visitor {number} has left ({len(self.screens)} open).{failed}")

    async def _look_at_the_time(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            now = time.monotonic()
            over: list[tuple[_Screen, str]] = []
            for screen in list(self.screens.values()):
                why = screen.visitor.over()
                if not why and now - screen.typed >= self.limits.idle_minutes * 60:
                    why = IDLE.format(minutes=self.limits.idle_minutes)
                if why:
                    over.append((screen, why))
            # All at once: a browser that does not answer holds up nobody's end but its own.
            await asyncio.gather(*(self._end(*one) for one in over), return_exceptions=True)


def _number(text: str | None, default: int) -> int:
    try:
        return int(text or default)
    except ValueError:
        return default
