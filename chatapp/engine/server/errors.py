"""What goes wrong with a server, each in plain words. The key is in none of them."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from chatapp.engine.server.loose import stated
from chatapp.errors import ServerError


class StatusError(ServerError):
    """The server answered with an HTTP error: ``status``, and in ``said`` its own words."""

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        *,
        address: str,
        key: str | None,
    ) -> None:
        self.status = status
        self.said = _words(body)
        said = plain(self.said, key)
        because = f" It says: {said}" if said else ""
        server = f"The server at {address}"
        if status in (401, 403):
            problem = "refused the key" if key else "wants a key"
            sentence = (
                f"{server} {problem} (HTTP {status}); the key is taken from CHATAPP_API_KEY, "
                "for OpenAI itself also from OPENAI_API_KEY."
            )
        elif status == 404:
            sentence = (
                f"{server} does not know this path or model (HTTP 404); its URL usually ends with "
                "/v1."
            )
        elif status == 429:
            wait = plain(headers.get("retry-after", ""), limit=40)
            after = f"; it asks to wait {wait}{' s' if wait.isdigit() else ''}" if wait else ""
            sentence = f"{server} takes no more requests for now (HTTP 429){after}."
        elif 300 <= status < 400:
            there = plain(public(headers.get("location", ""))) or "an address it does not name"
            sentence = f"{server} points elsewhere (HTTP {status}): {there}."
        elif status >= 500:
            sentence = f"{server} failed (HTTP {status})."
        else:
            sentence = f"{server} refused the request (HTTP {status})."
        super().__init__(sentence + because)


def of_transport(error: BaseException, address: str, proxy: str | None) -> str:
    """The sentence for a connection that failed; ``error`` is httpx's, with its causes."""
    import httpx

    causes = list(_causes(error))
    if proxy and isinstance(error, (httpx.ProxyError, httpx.ConnectError, httpx.ConnectTimeout)):
        return (
            f"The proxy {proxy} does not lead to {address} ({_short(error)}); HTTP_PROXY, "
            "HTTPS_PROXY, ALL_PROXY and NO_PROXY say when it is used."
        )
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return f"The certificate of {address} cannot be trusted; nothing was sent."
    if isinstance(error, httpx.ConnectError):
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return f"No secure connection to {address}: perhaps it speaks http, not https."
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            return f"There is no server by the name of {urlsplit(address).hostname} (DNS)."
        if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
            return f"No server runs at {address}: the connection was refused."
        return f"No connection to {address} ({_short(error)})."
    if isinstance(error, httpx.ConnectTimeout):
        return f"No server answers at {address}: connecting took too long."
    return f"The connection to {address} broke off."


def _short(error: BaseException) -> str:
    return plain(str(error), limit=80).rstrip(".") or type(error).__name__


def plain(text: str, key: str | None = None, *, limit: int = 300) -> str:
    """A server's words on one line: no control characters, no key, not endless."""
    if key:
        text = text.replace(key, "…")
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * limit]).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def public(url: str) -> str:
    """A URL without the name, password and query it may hold."""
    start, mark, rest = url.partition("://")
    rest = (rest if mark else start).split("?")[0]
    host, slash, path = rest.partition("/")
    return (start + mark if mark else "") + host.rpartition("@")[2] + slash + path


def _words(body: bytes) -> str:
    """What the body of an error says; empty for a web page or for nothing."""
    text = body.decode("utf-8", "replace").strip()
    try:
        return stated(json.loads(text))
    except (ValueError, RecursionError):
        return "" if text.startswith("<") else text


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all that led to it, groups included."""
    stack: list[BaseException | None] = [error]
    seen: set[int] = set()
    while stack:
        at = stack.pop()
        if at is None or id(at) in seen:
            continue
        seen.add(id(at))
        yield at
        stack += [at.__cause__, at.__context__]
        if isinstance(at, BaseExceptionGroup):
            stack += at.exceptions
