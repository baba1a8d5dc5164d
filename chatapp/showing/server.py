"""The audience's view over HTTP, on this machine: a page, and the pictures that it asks for."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from chatapp.showing.access import Door
from chatapp.showing.frames import Frames
from chatapp.showing.page import headers, page

__all__ = ["AudienceServer"]

_PATIENCE: Final = 20.0
"""Seconds that a request waits for the screen to change."""
_MOST: Final = 32
"""Requests that may wait at once."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AudienceServer:
    """Answers GET below the secret of ``door``; refuses the rest. It takes no input at all."""

    def __init__(self, door: Door, frames: Frames) -> None:
        self.door = door
        self.frames = frames
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/{secret}/", self._page)
        app.router.add_get("/{secret}/screen", self._screen)
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=1.0
        )

    async def start(self) -> None:
        """Begin to answer."""
        await self._runner.setup()
        await web.SockSite(self._runner, self.door.socket).start()

    async def close(self) -> None:
        """Send everybody away, and give the port back."""
        await self.frames.close()
        await self._runner.cleanup()
        self.door.socket.close()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        secret = request.match_info.get("secret", "")
        if not self.door.is_host(request.headers.get("Host")):
            answer: web.StreamResponse = _refused("This is not the address of this view.")
        elif not self.door.knows(secret):
            answer = _refused("This is not the link of this view. It is new for every run.")
        else:
            try:
                answer = await handler(request)
            except web.HTTPException as error:
                answer = web.Response(status=error.status, text=error.reason)
        for name, value in headers().items():
            answer.headers.setdefault(name, value)
        return answer

    async def _page(self, request: web.Request) -> web.StreamResponse:
        nonce = secrets.token_urlsafe(16)
        return web.Response(text=page(nonce), content_type="text/html", headers=headers(nonce))

    async def _screen(self, request: web.Request) -> web.StreamResponse:
        after = request.query.get("after", "0")
        if not after.isdecimal() or len(after) > 12:
            raise web.HTTPBadRequest
        if self.frames.viewers >= _MOST:
            raise web.HTTPServiceUnavailable
        frame = await self.frames.after(int(after), _PATIENCE)
        if frame is None:
            return web.Response(status=204)
        return web.Response(
            text=frame.svg, content_type="image/svg+xml", headers={"X-Screen": str(frame.number)}
        )


def _refused(why: str) -> web.Response:
    return web.Response(status=403, text=why)
