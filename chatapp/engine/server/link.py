"""The line to a server: JSON up, JSON chunks down, and every failure as one sentence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from chatapp.engine.server.errors import StatusError, of_transport, plain, public
from chatapp.engine.server.sse import EventReader
from chatapp.errors import ServerError

if TYPE_CHECKING:
    import httpx

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_MAX_BODY = 8 << 20
_MAX_ERROR = 64 << 10


class LinkError(ServerError):
    """The server was not reached, fell silent or broke off; it may be gone."""


class Link:
    """Connections to one server. ``connect`` in seconds; ``address`` is fit to be shown."""

    def __init__(self, url: str, *, key: str | None, connect: float) -> None:
        self.url: Final = _clean(url)
        self.address: Final = public(self.url)
        # An illegal header is reported with its value: such a key must not get that far.
        if key and not (key.isascii() and key.isprintable()):
            raise ServerError("The key for the server holds characters that no key can have.")
        self.key: Final = key
        self._connect = connect
        self._proxy = _proxy_for(self.url)
        self._client: httpx.AsyncClient | None = None

    async def get(self, url: str, *, seconds: float) -> Any:
        """The JSON at ``url``. Raises ``StatusError`` or ``LinkError``."""
        client = await self._open()
        with self._failures():
            async with asyncio.timeout(seconds), client.stream("GET", url) as response:
                body = await self._body(response)
        if not response.is_success:
            raise self._refusal(response, body)
        return self._parsed(body)

    async def post(
        self,
        url: str,
        body: dict[str, Any],
        *,
        taken: Callable[[], None],
        patience: Callable[[], float],
    ) -> AsyncGenerator[Any, None]:
        """Send ``body`` and yield each JSON chunk of the answer, until its end or ``[DONE]``.

        ``taken`` is called once the server has the request and did not refuse it; ``patience``
        gives the seconds that the next bytes may take. Closing the generator closes the connection.
        Raises ``StatusError`` or ``LinkError``, or ``ServerError`` for what is not an answer.
        """
        client = await self._open()
        left = False

        async def trace(step: str, _: object) -> None:
            nonlocal left
            left = left or step.endswith("send_request_body.complete")

        request = client.build_request(
            "POST",
            url,
            # A lone surrogate cannot be sent; the local engine replaces it as well.
            content=json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
            headers={"Content-Type": "application/json", "Accept": "text/event-stream"},
            extensions={"trace": trace},
        )
        try:
            with self._failures():
                async with asyncio.timeout(patience()):
                    response = await client.send(request, stream=True)
        except BaseException:
            if left:  # no answer, but the server may well be reading
                taken()
            raise
        try:
            if not response.is_success:
                said = b""
                with suppress(LinkError), self._failures():  # the status says enough
                    async with asyncio.timeout(self._connect):
                        said = await self._body(response, _MAX_ERROR)
                raise self._refusal(response, said)
            taken()
            kind = response.headers.get("content-type", "")
            if "html" in kind:
                raise ServerError(
                    f"{self.address} answers with a web page: it is not the address of a server's "
                    "API. The URL usually ends with /v1."
                )
            if "json" in kind:  # not a stream, though one was asked for
                with self._failures():
                    async with asyncio.timeout(patience()):
                        whole = await self._body(response)
                yield self._parsed(whole)
                return
            async with aclosing(self._events(response, patience)) as events:
                async for data in events:
                    yield self._parsed(data)
        finally:
            await response.aclose()

    async def close(self) -> None:
        client, self._client = self._client, None
        if client:
            await client.aclose()

    async def _events(
        self, response: httpx.Response, patience: Callable[[], float]
    ) -> AsyncGenerator[str, None]:
        reader = EventReader()
        pieces = response.aiter_bytes()
        while True:
            with self._failures():
                async with asyncio.timeout(patience()):
                    piece = await anext(pieces, None)
            for data in reader.close() if piece is None else reader.feed(piece):
                if data.strip() == "[DONE]":
                    return
                if data.strip():
                    yield data
            if piece is None:
                return

    async def _body(self, response: httpx.Response, limit: int = _MAX_BODY) -> bytes:
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > limit:
                break
        return bytes(body)

    def _parsed(self, body: bytes | str) -> Any:
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ServerError(
                f"The server at {self.address} sent something that is not JSON. "
                "Is this the address of an OpenAI-compatible server?"
            ) from error

    def _refusal(self, response: httpx.Response, body: bytes) -> StatusError:
        return StatusError(
            response.status_code, response.headers, body, address=self.address, key=self.key
        )

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what httpx and the system raise into sentences."""
        import httpx

        try:
            yield
        except TimeoutError as error:
            raise LinkError(
                f"The server at {self.address} took too long: nothing came, so the connection was "
                "closed."
            ) from error
        except httpx.InvalidURL as error:
            raise LinkError(f"{self.address} cannot be an address: {plain(str(error))}") from error
        except (httpx.HTTPError, OSError) as error:
            sentence = of_transport(error, self.address, self._proxy)
            raise LinkError(sentence) from error

    async def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            # Importing httpx and reading the certificates takes 0.2 s: not on the screen's thread.
            client = await asyncio.to_thread(self._new_client)
            self._client = self._client or client
        return self._client

    def _new_client(self) -> httpx.AsyncClient:
        import httpx

        try:
            return httpx.AsyncClient(
                headers={"Authorization": f"Bearer {self.key}"} if self.key else {},
                # Reading has its own limits, which depend on how far the reply is.
                timeout=httpx.Timeout(None, connect=self._connect, write=60.0),
                # A kept connection may close just as the next request goes up, and then nobody
                # knows whether that request was read.
                limits=httpx.Limits(max_keepalive_connections=0),
                # A proxy cannot reach this machine's own servers.
                trust_env=not _is_here(self.url),
            )
        except (ImportError, ValueError, OSError) as error:  # a proxy or certificates it cannot use
            raise LinkError(
                f"The network settings of this machine cannot be used: {plain(str(error))}"
            ) from error


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in _LOOPBACK


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment puts between here and ``url``, fit to be shown."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    if _is_here(url) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return public(proxy) if proxy else None


def _clean(url: str) -> str:
    """The URL as typed, less what people add to it. Raises ``ServerError`` if it is none."""
    text = url.strip()
    if "://" not in text:
        text = f"http://{text}"
    text = text.split("?")[0].split("#")[0].rstrip("/")
    text = text.removesuffix("/chat/completions").rstrip("/")
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is none, half an IPv6 address
        fits = None
    if not fits or any(c.isspace() or not c.isprintable() for c in text):
        raise ServerError(
            f"'{plain(public(url), limit=80)}' is not the address of a server; one looks like "
            "http://127.0.0.1:8080/v1."
        )
    return text
