"""A small stand-in for Hugging Face on 127.0.0.1, which can misbehave."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Hub:
    """What is served, how, and what was asked. ``break_after`` bytes, the connection is cut."""

    content: bytes
    path: str = "/owner/repo/resolve/main/tiny.gguf"
    status: int = 200
    ranges: bool = True
    shifted: bool = False
    breaks: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            hub.asked.append(wanted)
            hub.tokens.append(self.headers.get("Authorization"))
            match = re.fullmatch(r"bytes=(\d+)-", wanted or "")
            start = int(match[1]) if match and hub.ranges else 0
            if hub.status != 200 or self.path != hub.path:
                self.answer(hub.status if hub.status != 200 else 404, b"")
            elif start >= len(hub.content) > 0 and start:
                self.answer(416, b"")
            elif start:
                first = start + 1 if hub.shifted else start
                size = len(hub.content)
                where = {"Content-Range": f"bytes {first}-{size - 1}/{size}"}
                self.answer(206, hub.content[start:], where)
            else:
                self.answer(200, hub.content)

        def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if hub.breaks and status in (200, 206):
                body = body[: hub.breaks.pop(0)]
                self.close_connection = True
            with suppress(ConnectionError):  # the client may stop at any time
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
