"""Whom a request may come from, and what every answer says to the browser."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

__all__ = ["Guard", "headers"]

_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Server": "chatapp",
}


def headers(host: str) -> dict[str, str]:
    """What the browser is told to refuse: everything that does not come from ``host``.

    The terminal sets styles in the page as it runs, so styles may stand in it; scripts may not.
    """
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        f"font-src 'self'; img-src 'self' data:; connect-src 'self' ws://{host} wss://{host}; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return {**_ALWAYS, "Content-Security-Policy": policy}


class Guard:
    """Checks the names by which a browser calls this server, and where its page came from.

    A page of another server can make a browser ask anything here, under a name that it points at
    this address. So only ``names`` count, and the address that was really connected to.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = {name.lower() for name in names}

    def host(self, request: web.Request) -> str | None:
        """The ``Host`` of the request, if it is one of ours."""
        host = request.headers.get("Host", "")
        try:
            split = urlsplit(f"//{host}")
            name, port = (split.hostname or "").lower(), split.port or 80
        except ValueError:
            return None
        transport = request.transport
        local = transport.get_extra_info("sockname") if transport is not None else None
        if local is None or split.username is not None or split.path or split.query:
            return None
        address, bound = ipaddress.ip_address(local[0].partition("%")[0]), local[1]
        ours = name in self.names or (name == "localhost" and address.is_loopback)
        if not ours:
            try:
                ours = ipaddress.ip_address(name) == address
            except ValueError:
                return None
        # A proxy in front has a port of its own; it is named with --name.
        return host if port == bound or name in self.names else None

    def same_origin(self, request: web.Request) -> bool:
        """Whether a page of ours asks. Browsers send ``Origin`` with sockets and forms, always."""
        origin = request.headers.get("Origin", "")
        host = request.headers.get("Host", "")
        return origin.lower() in (f"http://{host}".lower(), f"https://{host}".lower())

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what is called by another name; put the headers on every answer."""
        host = self.host(request)
        if host is None:
            refusal = web.Response(status=421, text="This server is not called by that name.\n")
            refusal.headers.update(headers("localhost"))
            return refusal
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(headers(host))
            raise
        if not response.prepared:
            response.headers.update(headers(host))
        return response


def own_address(*, six: bool = False) -> str:
    """This computer's address on its network (IPv6: ``six``), as far as it can be told; nothing is
    sent.
    """
    family = socket.AF_INET6 if six else socket.AF_INET
    elsewhere, here = ("2001:db8::1", "::1") if six else ("192.0.2.1", "127.0.0.1")
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((elsewhere, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return here
