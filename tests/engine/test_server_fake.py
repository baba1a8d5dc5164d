"""The client of servers against scripted ones: what it asks, and how it bears what comes."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import pytest
from fake_server import DONE, Asked, FakeServer, Step, answer, delta, event, http, stream

from chatapp.context.messages import Message
from chatapp.conversation import Conversation, Failed
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Done, Event, Generate, Sampling, Sent, Token
from chatapp.engine.server import ServerEngine, key_from
from chatapp.errors import ServerError

KEY = "sk-never-to-be-shown"
TALK = [Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "Hello")]
REQUEST = Generate(messages=[*TALK, Message("user", "é🦙")], sampling=Sampling(seed=5))


@pytest.fixture
async def fake() -> AsyncIterator[FakeServer]:
    async with FakeServer() as server:
        yield server


@pytest.fixture
async def client(fake: FakeServer) -> AsyncIterator[ServerEngine]:
    engine = ServerEngine(fake.url, first=5, idle=5)
    yield engine
    await engine.close()


async def run(engine: ServerEngine, request: Generate = REQUEST) -> list[Event]:
    return [item async for item in engine.generate(request)]


async def fails(engine: ServerEngine) -> tuple[list[Event], str]:
    """The events before a failure, and its sentence."""
    events: list[Event] = []

    async def drain() -> None:
        async for item in engine.generate(REQUEST):
            events.append(item)

    with pytest.raises(ServerError) as caught:
        await drain()
    await engine.close()
    sentence = str(caught.value)
    assert sentence
    assert sentence.isprintable(), "one line, no control characters"
    assert KEY not in sentence
    return events, sentence


def texts(events: list[Event]) -> list[str]:
    return [item.text for item in events if isinstance(item, Token)]


def done(events: list[Event]) -> Done:
    last = events[-1]
    assert isinstance(last, Done)
    assert sum(isinstance(item, Done) for item in events) == 1
    assert sum(isinstance(item, Sent) for item in events) == 1
    return last


# ── asking ──────────────────────────────────────────────────────────────────────────────────────


async def test_the_whole_transcript_and_the_settings_go_up(
    fake: FakeServer, client: ServerEngine
) -> None:
    settings = Sampling(temperature=0.5, top_k=3, seed=5, max_tokens=7, stop=("END",))
    await run(client, Generate(messages=REQUEST.messages, sampling=settings, alternatives=50))
    assert fake.posts == [
        {
            "model": "tiny",
            "messages": [message.as_dict() for message in REQUEST.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": 0.5,
            "top_p": 0.95,
            "max_tokens": 7,
            "seed": 5,
            "stop": ["END"],
            "logprobs": True,
            "top_logprobs": 20,
            "top_k": 3,
            "min_p": 0.05,
        }
    ]


async def test_a_lone_surrogate_is_sent_as_a_question_mark(
    fake: FakeServer, client: ServerEngine
) -> None:
    await run(client, Generate(messages=[Message("user", "a\ud800b")]))
    assert fake.posts[0]["messages"][0]["content"] == "a?b"


async def test_a_seed_is_chosen_where_none_is_set_and_told(
    fake: FakeServer, client: ServerEngine
) -> None:
    events = await run(client, Generate(messages=TALK))
    assert isinstance(events[0], Sent)
    assert events[0].seed == fake.posts[0]["seed"]


async def test_the_key_travels_in_its_header_only(fake: FakeServer) -> None:
    engine = ServerEngine(fake.url, key=KEY)
    await run(engine)
    await engine.close()
    assert {asked.headers["authorization"] for asked in fake.asked} == {f"bearer {KEY}"}
    assert KEY not in str(fake.posts) + repr(engine) + repr(vars(engine))


def test_the_key_comes_from_the_environment() -> None:
    both = {"CHATAPP_API_KEY": " a\n", "OPENAI_API_KEY": "b"}
    openai = "https://api.openai.com/v1"
    assert key_from(both, "http://127.0.0.1:8080") == key_from(both, openai) == "a"
    assert key_from({"CHATAPP_API_KEY": " ", "OPENAI_API_KEY": "b"}, openai) == "b"
    assert key_from({"OPENAI_API_KEY": "b"}, "https://openai.com.example.org/v1") is None
    assert key_from({}, openai) is None


def test_a_key_that_no_header_can_carry_is_not_shown() -> None:
    with pytest.raises(ServerError) as caught:
        ServerEngine("http://127.0.0.1:1", key=f"{KEY}\n{KEY}")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "form", ["{h}", "http://{h}", "http://{h}/", "http://{h}/v1/", "http://{h}/v1/chat/completions"]
)
async def test_a_url_is_taken_as_people_type_it(fake: FakeServer, form: str) -> None:
    engine = ServerEngine(form.format(h=f"127.0.0.1:{fake.port}"))
    assert texts(await run(engine)) == ["Hello"]
    await engine.close()


async def test_a_server_without_v1_in_its_path_is_found(fake: FakeServer) -> None:
    fake.others = {"/api/models": fake.others["/v1/models"]}
    engine = ServerEngine(f"http://127.0.0.1:{fake.port}/api")
    await run(engine)
    await engine.close()
    assert [asked.path for asked in fake.asked] == [
        "/api/v1/models",
        "/api/models",
        "/api/chat/completions",
    ]


@pytest.mark.parametrize(
    "url", ["", "ftp://x/v1", "http://", "http://x:port/v1", "http://[::1", "http://a b/", "://x"]
)
def test_what_is_no_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(ServerError, match="not the address of a server"):
        ServerEngine(url)


def test_a_password_in_the_url_is_not_shown() -> None:
    assert ServerEngine("http://me:secret@host/v1").address == "http://host/v1"
    with pytest.raises(ServerError) as caught:
        ServerEngine("ftp://me:secret@host/v1")
    assert "secret" not in str(caught.value)


# ── models ──────────────────────────────────────────────────────────────────────────────────────


async def test_ready_tells_only_what_the_server_told(
    fake: FakeServer, client: ServerEngine
) -> None:
    assert (client.state, client.info, client.starts, client.kind) == ("stopped", None, 0, "server")
    ready = await client.start()
    assert (ready.model, ready.window, ready.trained, ready.pid) == ("tiny", None, None, None)
    assert (client.state, client.info, client.starts) == ("ready", ready, 1)
    assert await client.start() == ready
    assert len(fake.asked) == 1, "a ready engine does not ask again"
    assert await client.render(TALK) is None


async def test_vllm_tells_its_window(fake: FakeServer, client: ServerEngine) -> None:
    fake.serve("m", owned_by="vllm", max_model_len=4096)
    assert (await client.start()).window == 4096


async def test_llama_server_tells_its_window_and_more(
    fake: FakeServer, client: ServerEngine
) -> None:
    fake.serve("m", owned_by="llamacpp", meta={"n_ctx_train": 8192, "n_vocab": 49152})
    fake.others["/props"] = http({"default_generation_settings": {"n_ctx": 2048}})
    ready = await client.start()
    assert (ready.window, ready.trained, ready.vocabulary) == (2048, 8192, 49152)


async def test_llama_server_that_hides_its_window_is_used_without(
    fake: FakeServer, client: ServerEngine
) -> None:
    fake.serve("m", owned_by="llamacpp")
    fake.others["/props"] = http({"error": {"message": "no"}}, 403)
    assert (await client.start()).window is None


async def test_the_named_model_is_used(fake: FakeServer) -> None:
    fake.serve("one", "two:latest")
    for name, found in ((None, "one"), ("one", "one"), ("two", "two:latest")):
        engine = ServerEngine(fake.url, model=name)
        assert (await engine.start()).model == found
        await engine.close()


async def test_a_model_that_is_not_there_is_told_with_those_that_are(fake: FakeServer) -> None:
    fake.serve(*(f"model-{n}" for n in range(11)))
    _, sentence = await fails(ServerEngine(fake.url, model="other"))
    assert "no model 'other'" in sentence
    assert "model-0, model-1" in sentence
    assert "and 3 more" in sentence


@pytest.mark.parametrize("listing", [{"data": []}, {"data": None}, [], {"data": [{"id": 3}]}])
async def test_a_server_without_models(
    fake: FakeServer, client: ServerEngine, listing: object
) -> None:
    fake.others["/v1/models"] = http(listing)
    _, sentence = await fails(client)
    assert "serves no model" in sentence


# ── what a server does not take ─────────────────────────────────────────────────────────────────


def strict(*unknown: str, status: int = 400) -> Any:
    """A server that names the first field it does not know, and answers without them."""

    def script(asked: Asked) -> list[Step]:
        for name in unknown:
            if name in asked.body:
                said = f"Unrecognized request argument supplied: {name}"
                return http({"error": {"message": said}}, status)
        return answer("Yes")

    return script


async def test_extra_settings_are_left_out_once_they_are_refused(
    fake: FakeServer, client: ServerEngine
) -> None:
    fake.chats = [strict("top_k", "min_p", "repeat_penalty", "repetition_penalty")]
    settings = Sampling(top_k=4, min_p=0.1, repeat_penalty=1.1)
    request = Generate(messages=TALK, sampling=settings)
    assert done(await run(client, request)).text == "Yes"
    assert len(fake.posts) == 2, "one refusal, one answer"
    assert client.left_out == ("top_k", "min_p", "repeat_penalty")
    assert fake.posts[1]["messages"] == fake.posts[0]["messages"]
    await run(client, request)
    assert len(fake.posts) == 3, "the refusal is remembered"


@pytest.mark.parametrize("status", [400, 422, 500])
async def test_everything_optional_may_be_refused_in_turn(
    fake: FakeServer, client: ServerEngine, status: int
) -> None:
    fake.chats = [strict("top_k", "min_p", "logprobs", "stream_options", "seed", status=status)]
    request = Generate(messages=TALK, alternatives=3)
    assert done(await run(client, request)).text == "Yes"
    assert client.left_out == ("stream_options", "seed", "logprobs", "top_k", "min_p")
    assert set(fake.posts[-1]) == {
        "model",
        "messages",
        "stream",
        "temperature",
        "top_p",
        "max_tokens",
    }


async def test_ollama_ignores_what_it_is_not_asked_in_its_own_tongue(
    fake: FakeServer, client: ServerEngine
) -> None:
    entries = [{"id": "mine", "owned_by": "me-myself"}, {"id": "llama3", "owned_by": "library"}]
    fake.others["/v1/models"] = http({"data": entries})
    await run(client)
    assert client.left_out == ("top_k", "min_p", "repeat_penalty")
    assert not {"top_k", "min_p", "repeat_penalty"} & set(fake.posts[0])


async def test_llama_cpp_python_without_logprobs_breaks_off_and_is_asked_without(
    fake: FakeServer, client: ServerEngine
) -> None:
    fake.serve("m", owned_by="me")
    fake.chats = [stream(whole=False), answer("Yes")]
    assert done(await run(client, Generate(messages=TALK, alternatives=3))).text == "Yes"
    assert client.left_out == ("logprobs",)


@pytest.mark.parametrize(
    "refusal",
    [
        http({"error": {"message": "Invalid value for 'top_k': must be at most 3."}}, 400),
        http({"error": {"message": "context length exceeded"}}, 400),
        http({"error": {"message": "CUDA out of memory"}}, 500),
        http(b"", 503),
        http(b"Unknown field top_k", 429),
        stream(whole=False),
        [],
    ],
)
async def test_no_other_failure_is_tried_again(
    fake: FakeServer, client: ServerEngine, refusal: list[Step]
) -> None:
    fake.chats = [refusal, answer("Paid for twice")]
    await fails(client)
    assert len(fake.posts) == 1


# ── receiving ───────────────────────────────────────────────────────────────────────────────────


async def test_a_stream_cut_anywhere_reads_the_same(fake: FakeServer, client: ServerEngine) -> None:
    parts = [
        b": hello\r\n\r\n",
        delta(None, delta={"role": "assistant", "content": None}),
        delta("né").replace(b"data: ", b"data:"),
        delta("🦙 漢字").replace(b"\n", b"\r\n"),
        b"event: x\nid: 1\n\n",
        delta(None, "stop"),
        event({"choices": [], "usage": None}),
        DONE,
    ]
    raw = b"".join(parts)
    whole = await run_with(fake, client, stream(raw))
    bytewise = await run_with(fake, client, stream(*(raw[i : i + 1] for i in range(len(raw)))))
    unframed = await run_with(fake, client, stream(raw[:200], raw[200:], chunked=False))
    assert texts(whole) == texts(bytewise) == texts(unframed) == ["né", "🦙 漢字"]
    assert [type(item) for item in whole] == [Sent, Token, Token, Done]


async def run_with(fake: FakeServer, client: ServerEngine, script: list[Step]) -> list[Event]:
    fake.chats = [script]
    return await run(client)


async def test_tokens_come_as_they_are_made_and_the_clock_starts_with_the_first(
    fake: FakeServer, client: ServerEngine
) -> None:
    steps = [0.3, delta("a"), 0.2, delta("b"), delta(None, "stop"), DONE]
    fake.chats = [stream(*steps)]
    at: list[float] = []
    events: list[Event] = []
    async for item in client.generate(REQUEST):
        events.append(item)
        at.append(time.monotonic())
    last = done(events)
    assert at[2] - at[1] > 0.15
    assert last.decode_seconds == pytest.approx(at[2] - at[1], abs=0.1)
    assert last.prefill_seconds is None


async def test_counts_come_after_the_end(fake: FakeServer, client: ServerEngine) -> None:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 1,
        "prompt_tokens_details": {"cached_tokens": 4},
    }
    fake.chats = [stream(delta("a", "length"), event({"choices": [], "usage": usage}), DONE)]
    last = done(await run(client))
    assert (last.reason, last.prompt_tokens, last.reply_tokens, last.reused) == ("length", 9, 1, 4)


async def test_a_server_that_hangs_after_the_end_costs_no_reply(fake: FakeServer) -> None:
    engine = ServerEngine(fake.url, idle=0.2)
    fake.chats = [stream(delta("a", "stop"), 5.0)]
    assert done(await run(engine)).text == "a"
    await engine.close()


async def test_a_connection_is_closed_with_its_reply(
    fake: FakeServer, client: ServerEngine
) -> None:
    fake.chats = [stream(delta("a", "stop"), DONE, 30.0)]
    assert done(await run(client)).text == "a"
    async with asyncio.timeout(2):
        await fake.hung_up.wait()


async def test_an_answer_in_one_piece_is_taken_as_well(
    fake: FakeServer, client: ServerEngine
) -> None:
    message = {"role": "assistant", "content": "All at once"}
    fake.chats = [http({"choices": [{"message": message}], "usage": {"prompt_tokens": 3}})]
    events = await run(client)
    assert texts(events) == ["All at once"]
    assert (done(events).reason, done(events).prompt_tokens) == ("stop", 3)


async def test_several_replies_at_once_do_not_mix(fake: FakeServer, client: ServerEngine) -> None:
    fake.chats = [
        stream(delta("a"), 0.1, delta("b"), delta(None, "stop"), DONE),
        stream(delta("c"), 0.05, delta("d"), delta(None, "stop"), DONE),
    ]
    await client.start()
    found = await asyncio.gather(run(client), run(client))
    assert {done(events).text for events in found} == {"ab", "cd"}


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
        ([5.0], "took too long"),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
async def test_a_reply_that_breaks_off_keeps_what_had_come(
    fake: FakeServer, rest: list[Step], words: str, whole: bool
) -> None:
    engine = ServerEngine(fake.url, first=3, idle=0.3)
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
    fake.chats = [[5.0]]
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


# ── stopping ────────────────────────────────────────────────────────────────────────────────────


async def stop_after(engine: ServerEngine, seconds: float) -> tuple[list[Event], float]:
    """Run a request, cancel it after a while; its events, and how long the stopping took."""
    task = asyncio.create_task(run(engine))
    await asyncio.sleep(seconds)
    began = time.monotonic()
    await engine.cancel()
    return await task, time.monotonic() - began


@pytest.mark.parametrize(
    ("script", "text", "kinds"),
    [
        (stream(delta("It "), delta("is"), 30.0), "It is", [Sent, Token, Token, Done]),
        (stream(30.0), "", [Sent, Done]),  # the server reads the transcript
        ([30.0], "", [Sent, Done]),  # not even a status yet
    ],
)
async def test_cancel_closes_the_connection_and_keeps_the_text(
    fake: FakeServer, client: ServerEngine, script: list[Step], text: str, kinds: list[type]
) -> None:
    await client.start()
    fake.chats = [script, answer("again")]
    events, seconds = await stop_after(client, 0.2)
    assert [type(item) for item in events] == kinds
    last = done(events)
    assert (last.reason, last.text, last.reply_tokens) == ("cancelled", text, None)
    assert seconds < 0.5
    async with asyncio.timeout(2):
        await fake.hung_up.wait()
    assert client.state == "ready"
    assert done(await run(client)).text == "again"


async def test_a_reply_that_has_ended_is_not_cancelled_any_more(
    fake: FakeServer, client: ServerEngine
) -> None:
    await client.start()
    fake.chats = [stream(delta("All of it", "stop"), 30.0)]
    events, _ = await stop_after(client, 0.2)
    assert (done(events).reason, done(events).text) == ("stop", "All of it")


async def test_cancel_while_the_server_is_looked_for(
    fake: FakeServer, client: ServerEngine
) -> None:
    fake.others["/v1/models"] = [30.0]
    events, seconds = await stop_after(client, 0.3)
    assert events == [Done(reason="cancelled", text="")]
    assert seconds < 0.5


async def test_one_of_two_replies_is_stopped(fake: FakeServer, client: ServerEngine) -> None:
    fake.chats = [stream(delta("a"), 0.4, delta("b", "stop"), DONE)]
    await client.start()
    other = Generate(messages=TALK)
    tasks = [asyncio.create_task(run(client, request)) for request in (REQUEST, other)]
    await asyncio.sleep(0.2)
    await client.cancel(other)
    kept, stopped = await asyncio.gather(*tasks)
    assert (done(kept).reason, done(kept).text) == ("stop", "ab")
    assert (done(stopped).reason, done(stopped).text) == ("cancelled", "a")


async def test_cancel_of_nothing_is_nothing(client: ServerEngine) -> None:
    await client.cancel()
    assert texts(await run(client)) == ["Hello"]


async def test_leaving_a_reply_closes_its_connection(
    fake: FakeServer, client: ServerEngine
) -> None:
    fake.chats = [stream(delta("a"), 30.0)]
    async with aclosing(client.generate(REQUEST)) as events:
        async for item in events:
            if isinstance(item, Token):
                break
    async with asyncio.timeout(2):
        await fake.hung_up.wait()


async def test_a_conversation_is_stopped_in_the_middle(
    fake: FakeServer, client: ServerEngine
) -> None:
    fake.chats = [stream(delta("It is"), 30.0)]
    talk = Conversation(client, Counter(client, None))
    async with aclosing(talk.send("Well?")) as steps:
        async for step in steps:
            if isinstance(step, Token):
                await talk.stop()
    reply = talk.nodes[-1]
    assert (reply.content, reply.status) == ("It is", "stopped")
