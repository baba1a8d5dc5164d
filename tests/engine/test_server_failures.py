"""Servers that refuse, break off, hang or cannot be reached: each has its sentence."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from asking_servers import KEY, done, fails, run
from fake_server import DONE, FakeServer, Step, answer, delta, event, http, stream

from chatapp.conversation import Conversation, Failed
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Sent
from chatapp.engine.server import ServerEngine
from chatapp.errors import ServerError

# ── failures ────────────────────────────────────────────────────────────────────────────────────

ECHO = {"error": {"message": f"bad key {KEY}\x1b[31m\nsecond line"}}


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (http(ECHO, 401), ["refused the key", "401", "CHATAPP_API_KEY", "OPENAI_API_KEY"]),
        (http({"detail": "Forbidden here"}, 403), ["refused the key", "403", "Forbidden here"]),
        (http({"error": "no such route"}, 404), ["404", "/v1", "no such route"]),
        (http(b"", 429, Retry_After="30"), ["429", "wait 30 s"]),
        (http(b"", 429, Retry_After="Wed, 21 Oct"), ["429", "wait Wed, 21 Oct"]),
        (http(b"<html>oops</html>", 500, "text/html"), ["failed", "500"]),
        (http({"message": "Loading model"}, 503), ["503", "Loading model"]),
        (http(b"plain words", 418, "text/plain"), ["refused the request", "418", "plain words"]),
        (http(b"x" * 100_000, 400, "text/plain"), ["400", "…"]),
        (http(b"", 307, Location="https://me:pw@there/v1?k=1"), ["elsewhere", "https://there/v1."]),
        (http(b"<html>", 200, "text/html"), ["web page", "/v1"]),
        (http(b"{half", 200), ["not JSON"]),
        (http({"error": {"message": "boom"}}, 200), ["boom"]),
        (stream(b"data: {half\n\n"), ["not JSON"]),
        (stream(event({"error": {"message": "boom"}})), ["boom"]),
        (stream(b"data: " + b"x" * (9 << 20)), ["too long"]),
        (stream(), ["without an answer"]),
        (stream(DONE), ["without an answer"]),
        (stream(whole=False), ["broke off"]),
        ([], ["broke off"]),
        ([b"SSH-2.0-OpenSSH\r\n\r\n"], ["broke off"]),
    ],
)
async def test_each_refusal_is_a_sentence(
    fake: FakeServer, refusal: list[Step], words: list[str]
) -> None:
    fake.chats = [refusal]
    _, sentence = await fails(ServerEngine(fake.url, key=KEY, first=5))
    for word in words:
        assert word in sentence
    assert len(sentence) < 600


async def test_a_server_that_wants_a_key_and_gets_none(fake: FakeServer) -> None:
    fake.others["/v1/models"] = http({"detail": "Invalid API key"}, 401)
    _, sentence = await fails(ServerEngine(fake.url))
    assert "wants a key (HTTP 401)" in sentence


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ([], "broke off"),
        ([DONE], "broke off in the middle"),  # an end without its reason is not an end
        ([delta("", "content_filter"), DONE], "filter"),
        ([event({"error": {"message": "boom"}})], "boom"),
        ([b"data: {\n\n"], "not JSON"),
        ([30.0], "took too long"),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
async def test_a_reply_that_breaks_off_keeps_what_had_come(
    fake: FakeServer, rest: list[Step], words: str, whole: bool
) -> None:
    engine = ServerEngine(fake.url, first=30, idle=0.3)
    fake.chats = [stream(delta("It "), delta("is"), *rest, whole=whole), answer("back")]
    talk = Conversation(engine, Counter(engine, None))
    began = time.monotonic()
    steps = [step async for step in talk.send("Well?")]
    assert time.monotonic() - began < 2, "between tokens the shorter patience counts"
    reply = talk.nodes[-1]
    assert isinstance(steps[-1], Failed)
    assert words in steps[-1].sentence
    assert (reply.content, reply.status, reply.note) == ("It is", "failed", steps[-1].sentence)
    _ = [step async for step in talk.send("And now?")]
    assert talk.nodes[-1].content == "back"
    assert [message["content"] for message in fake.posts[-1]["messages"]] == [
        "Well?",
        "It is",
        "And now?",
    ]
    await engine.close()


async def test_silence_before_the_first_token_is_told_but_the_request_was_sent(
    fake: FakeServer,
) -> None:
    fake.chats = [[30.0]]
    began = time.monotonic()
    events, sentence = await fails(ServerEngine(fake.url, first=0.3))
    assert time.monotonic() - began < 2
    assert "took too long" in sentence
    assert [type(item) for item in events] == [Sent]


async def test_a_failed_server_is_looked_at_again(fake: FakeServer) -> None:
    engine = ServerEngine(fake.url)
    await engine.start()
    await fake.__aexit__()
    with pytest.raises(ServerError, match="connection was refused"):
        await run(engine)
    assert engine.state == "failed"
    with pytest.raises(ServerError, match="connection was refused"):
        await engine.start()
    async with fake:
        await engine.start()
        assert (engine.state, engine.starts) == ("ready", 2)
        assert done(await run(engine)).text == "Hello"
        await engine.close()
        assert engine.state == "stopped"
        assert done(await run(engine)).text == "Hello"  # it can be started again
        await engine.close()


async def test_a_name_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    _, sentence = await fails(ServerEngine("http://no-such-host.invalid/v1"))
    assert sentence == "There is no server by the name of no-such-host.invalid (DNS)."


async def test_a_name_that_cannot_exist() -> None:
    _, sentence = await fails(ServerEngine("http://\u2603.example/v1"))
    assert "cannot be an address" in sentence


async def test_https_to_a_server_of_http(fake: FakeServer) -> None:
    _, sentence = await fails(ServerEngine(fake.url.replace("http", "https")))
    assert "http, not https" in sentence


@pytest.fixture
def own_certificate(tmp_path: Path) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that nobody signed."""
    if not shutil.which("openssl"):
        pytest.skip("the certificate is made with openssl")
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")]
    subprocess.run(["openssl", *made, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    return context


async def test_a_certificate_that_nobody_signed(own_certificate: ssl.SSLContext) -> None:
    got: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            got.append(await reader.read(100))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0, ssl=own_certificate) as server:
        port = server.sockets[0].getsockname()[1]
        _, sentence = await fails(ServerEngine(f"https://127.0.0.1:{port}/v1", key=KEY))
    assert "cannot be trusted; nothing was sent" in sentence
    assert b"".join(got) == b""


async def test_a_server_that_never_answers_the_first_question() -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        _, sentence = await fails(ServerEngine(f"http://127.0.0.1:{port}/v1", connect=0.1))
    assert "took too long" in sentence


# ── proxies ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return lambda url, name="HTTP_PROXY": monkeypatch.setenv(name, url)


async def test_a_proxy_is_used_for_other_machines_only(fake: FakeServer, proxied: Any) -> None:
    proxied(f"http://127.0.0.1:{fake.port}")
    fake.others["http://models.example/v1/models"] = fake.others["/v1/models"]
    for url, path in (
        ("http://models.example/v1", "http://models.example/v1/models"),
        (fake.url, "/v1/models"),
    ):
        engine = ServerEngine(url)
        await engine.start()
        await engine.close()
        assert fake.asked[-1].path == path


async def test_a_dead_proxy_is_named_without_its_password(proxied: Any) -> None:
    proxied("http://me:secret@127.0.0.1:9")
    _, sentence = await fails(ServerEngine("http://models.example/v1"))
    assert "proxy http://127.0.0.1:9" in sentence
    assert "NO_PROXY" in sentence
    assert "secret" not in sentence


async def test_a_proxy_of_an_unknown_kind(proxied: Any) -> None:
    proxied("gopher://127.0.0.1:9", "ALL_PROXY")
    _, sentence = await fails(ServerEngine("http://models.example/v1"))
    assert "network settings of this machine" in sentence
