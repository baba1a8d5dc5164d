"""A server of scripted bytes on 127.0.0.1, for what no real server does on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

Step = bytes | float | asyncio.Event
"""What an answer does next: write these bytes, wait these seconds, or wait for this."""


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


def http(
    body: bytes | object = b"", status: int = 200, kind: str = "application/json", **headers: str
) -> list[Step]:
    """A whole answer. Header names are written with ``_`` for ``-``."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Word", f"Content-Type: {kind}", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ["\r\n".join(lines).encode() + b"\r\nConnection: close\r\n\r\n" + content]


def event(value: object) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def delta(text: str | None, end: str | None = None, **more: Any) -> bytes:
    """One chunk of a chat completion."""
    fields = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": fields | more.pop("delta", {}), "finish_reason": end}
    return event({"object": "chat.completion.chunk", "choices": [choice | more]})


DONE = b"data: [DONE]\n\n"


def stream(*steps: Step, chunked: bool = True, whole: bool = True) -> list[Step]:
    """An event stream. ``whole`` False breaks it off without the end that HTTP asks for."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
    if not chunked:
        return [head + b"\r\n", *steps]
    framed: list[Step] = [
        b"%x\r\n%s\r\n" % (len(step), step) if isinstance(step, bytes) else step for step in steps
    ]
    return [head + b"Transfer-Encoding: chunked\r\n\r\n", *framed, *([b"0\r\n\r\n"] * whole)]


def answer(*texts: str) -> list[Step]:
    """An ordinary streamed reply."""
    return stream(*(delta(text) for text in texts), delta(None, "stop"), DONE)


class FakeServer:
    """Answers ``/models`` with ``models`` and each chat request with the next of ``chats``.

    The last one is kept for all further requests. ``asked`` holds all that arrived; ``hung_up`` is
    set when a client closes its connection in the middle of an answer.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.chats: list[Sequence[Step] | Callable[[Asked], Sequence[Step]]] = [answer("Hello")]
        self.others: dict[str, Sequence[Step]] = {}
        self.serve("tiny")
        self.hung_up = asyncio.Event()
        self._server: asyncio.Server | None = None
        self.port = 0

    def serve(self, *names: str, **facts: object) -> None:
        """What ``/v1/models`` lists."""
        entries = [{"id": name, "object": "model", **facts} for name in names]
        self.others["/v1/models"] = http({"object": "list", "data": entries})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def posts(self) -> list[Any]:
        """The bodies of the chat requests."""
        return [asked.body for asked in self.asked if asked.method == "POST"]

    async def __aenter__(self) -> FakeServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = await reader.readexactly(1)
            if not first.isalpha():  # a TLS greeting, for example
                writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                return
            asked = await self._read(first, reader)
            self.asked.append(asked)
            steps = self._steps(asked)
            await self._write(steps, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up.set()
        finally:
            writer.close()

    async def _read(self, first: bytes, reader: asyncio.StreamReader) -> Asked:
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        return Asked(method, path, headers, json.loads(raw) if raw else None)

    def _steps(self, asked: Asked) -> Sequence[Step]:
        if asked.method == "POST":
            script = self.chats.pop(0) if len(self.chats) > 1 else self.chats[0]
            return script(asked) if callable(script) else script
        return self.others.get(asked.path, http({"detail": "Not Found"}, 404))

    async def _write(
        self, steps: Sequence[Step], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        for step in steps:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
                continue
            if isinstance(step, asyncio.Event):
                await step.wait()
                continue
            hung_up: Awaitable[bytes] = reader.read(1)
            try:
                async with asyncio.timeout(step):
                    if not await hung_up:
                        raise ConnectionResetError
            except TimeoutError:
                pass
