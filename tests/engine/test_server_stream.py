"""What a server sends, read without a network: event streams, chunks, counts."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.context.messages import Message
from chatapp.engine.protocol import Done, Generate, Sampling, Token
from chatapp.engine.server.body import left_out, refusal, wanted, without
from chatapp.engine.server.reply import Reply
from chatapp.engine.server.sse import EventReader
from chatapp.errors import ServerError

REQUEST = Generate(messages=[Message("user", "Hi")], sampling=Sampling(max_tokens=10))


def chunk(text: str | None = None, end: str | None = None, **choice: Any) -> dict[str, Any]:
    delta = choice.pop("delta", {}) | ({} if text is None else {"content": text})
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": end, **choice}]}


def events_of(pieces: list[bytes]) -> list[str]:
    reader = EventReader()
    found = [event for piece in pieces for event in reader.feed(piece)]
    return found + reader.close()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]


# ── event streams ───────────────────────────────────────────────────────────────────────────────

LINES = st.sampled_from(
    [
        b"data: {}",
        b"data:x",
        b"data",
        b"data: ",
        b": ping",
        b"id: 7",
        b"event: a",
        b"",
        "data: é🦙".encode(),
    ]
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])


@given(st.lists(st.tuples(LINES, ENDS)), st.binary(max_size=6), st.lists(st.integers(0)))
def test_any_chunking_of_a_stream_gives_the_same_events(
    lines: list[tuple[bytes, bytes]], rest: bytes, places: list[int]
) -> None:
    data = b"".join(line + end for line, end in lines) + rest
    assert events_of(cut(data, places)) == events_of([data])
    assert events_of([data[i : i + 1] for i in range(len(data))]) == events_of([data])


TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=6)


@given(TEXTS, ENDS, st.booleans(), st.booleans(), st.lists(st.integers(0)))
def test_a_reply_comes_out_as_it_was_sent_however_it_is_framed_and_cut(
    texts: list[str], end: bytes, space: bool, comments: bool, places: list[int]
) -> None:
    data = b""
    for text in texts:
        raw = json.dumps(chunk(text), ensure_ascii=False).encode()
        data += (b": ping" + end * 2) * comments + b"data:" + b" " * space + raw + end * 2
    reply = Reply(REQUEST, None)
    tokens = [
        token for event in events_of(cut(data, places)) for token in reply.read(json.loads(event))
    ]
    assert [token.text for token in tokens] == texts
    assert reply.done().text == "".join(texts)


def test_one_event_may_have_several_data_lines_and_a_byte_order_mark() -> None:
    assert events_of([b"\xef\xbb\xbfdata: a\ndata: b\n\ndata:c\n\n"]) == ["a\nb", "c"]


def test_an_event_without_its_last_blank_line_still_counts() -> None:
    assert events_of([b"data: [DONE]"]) == ["[DONE]"]


def test_a_line_without_end_is_given_up() -> None:
    reader = EventReader(limit=1000)
    for _ in range(10):
        reader.feed(b"x" * 100)
    with pytest.raises(ServerError, match="too long"):
        reader.feed(b"x")


def test_many_short_events_are_never_too_long() -> None:
    reader = EventReader(limit=1000)
    assert sum(len(reader.feed(b"data: xx\n\n")) for _ in range(1000)) == 1000


# ── replies ─────────────────────────────────────────────────────────────────────────────────────


def read(*chunks: Any, window: int | None = None) -> tuple[list[Token], Done]:
    reply = Reply(REQUEST, window)
    tokens = [token for item in chunks for token in reply.read(item)]
    return tokens, reply.done()


def test_counts_are_the_servers_own() -> None:
    usage = {
        "prompt_tokens": 40,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 32},
    }
    _, done = read(chunk("a"), chunk("b", "stop"), {"choices": [], "usage": usage})
    assert (done.prompt_tokens, done.reply_tokens, done.reused, done.evaluated) == (40, 2, 32, 8)
    assert done.prefill_seconds is None


def test_what_is_not_told_is_unknown() -> None:
    _, done = read(chunk("a"), chunk(None, "stop"), {"choices": [], "usage": None})
    told = (done.prompt_tokens, done.reply_tokens, done.reused, done.evaluated)
    assert told == (None, None, None, None)


def test_llama_servers_timings_tell_what_was_computed() -> None:
    timings = {"cache_n": 30, "prompt_n": 10, "prompt_ms": 250.0}
    _, done = read(chunk("a"), chunk(None, "stop") | {"timings": timings})
    assert (done.reused, done.evaluated, done.prefill_seconds) == (30, 10, 0.25)


@pytest.mark.parametrize(
    ("end", "made", "window", "reason"),
    [
        ("stop", 3, 100, "stop"),
        ("tool_calls", 3, 100, "stop"),
        ("length", 10, 100, "length"),
        ("length", 10, 50, "length"),  # both are reached: the length was asked for
        ("length", 8, 48, "window"),
        ("length", 8, None, "length"),
    ],
)
def test_the_end_has_its_reason(end: str, made: int, window: int | None, reason: str) -> None:
    usage = {"prompt_tokens": 40, "completion_tokens": made}
    _, done = read(chunk("a", end) | {"usage": usage}, window=window)
    assert done.reason == reason


def test_reasoning_is_no_part_of_the_reply() -> None:
    reply = Reply(REQUEST, None)
    entries = {"content": [{"token": "Hm", "logprob": -0.5}]}
    hidden = reply.read(chunk(delta={"reasoning_content": "Hm", "content": None}, logprobs=entries))
    hidden += reply.read(chunk(delta={"reasoning": " well"}))
    shown = reply.read(chunk("Yes", "stop"))
    reply.read({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}})
    assert hidden == []
    assert [token.text for token in shown] == ["Yes"]
    assert (reply.text, reply.reasoning) == ("Yes", "Hm well")
    assert reply.done().reply_tokens is None  # 3 with the hidden ones: unknown without them


def test_counted_reasoning_is_taken_from_the_replys_count() -> None:
    details = {"reasoning_tokens": 2}
    usage = {"completion_tokens": 3, "completion_tokens_details": details}
    _, done = read(chunk("Yes", "stop", delta={"reasoning": "Hm"}) | {"usage": usage})
    assert done.reply_tokens == 1


def test_logprobs_and_alternatives() -> None:
    others = [{"token": "A", "logprob": -0.1}, {"id": 7, "token": "B", "logprob": -2}]
    entry = {"token": "A", "logprob": -0.1, "top_logprobs": others}
    (token,), _ = read(chunk("A", logprobs={"content": [entry]}))
    assert (token.text, token.token, token.logprob) == ("A", None, -0.1)
    found = [(other.token, other.text, other.logprob) for other in token.alternatives]
    assert found == [(None, "A", -0.1), (7, "B", -2.0)]


def test_tokens_that_share_a_chunk_keep_their_own_text_where_it_is_exact() -> None:
    def two(first: str, second: str) -> dict[str, Any]:
        return {"content": [{"token": first, "logprob": -1}, {"token": second, "logprob": -2}]}

    tokens, _ = read(chunk("ab", logprobs=two("a", "b")), chunk("🦙", logprobs=two("�", "�")))
    assert [token.text for token in tokens] == ["a", "b", "", "🦙"]
    assert [token.logprob for token in tokens] == [-1, -2, -1, -2]


def test_halves_of_a_character_are_joined_and_never_shown_alone() -> None:
    tokens, done = read(chunk("a\ud83e"), chunk("\udd99b"), chunk("\udd99"), chunk(None, "stop"))
    assert [token.text for token in tokens] == ["a", "🦙b", "\ufffd"]
    assert done.text.encode() == "a🦙b\ufffd".encode()


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "out of memory", "code": 500}},
        {"error": "out of memory"},
        {"object": "error", "message": "out of memory"},
        {"detail": [{"loc": ["body"], "msg": "out of memory"}], "message": ""},
    ],
)
def test_an_error_in_the_stream_is_told(error: Any) -> None:
    with pytest.raises(ServerError, match="out of memory"):
        read(chunk("a"), error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "choices delta message content logprobs usage timings token logprob id "
                "top_logprobs finish_reason reasoning prompt_tokens cache_n prompt_ms".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4))
def test_json_of_any_shape_is_read_or_refused_in_words(chunks: list[Any]) -> None:
    reply = Reply(REQUEST, 100)
    texts = []
    with suppress(ServerError):
        for item in chunks:
            texts += [token.text for token in reply.read(item)]
    assert reply.done().text.encode().decode() == "".join(texts)  # writable, so showable


# ── requests ────────────────────────────────────────────────────────────────────────────────────


def body_for(family: Any, **settings: Any) -> dict[str, Any]:
    off = {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0}
    request = Generate(messages=[Message("user", "Hi")], sampling=Sampling(**(off | settings)))
    return wanted(request, model="m", family=family, seed=1)


def extras(body: dict[str, Any]) -> dict[str, Any]:
    names = ("top_k", "min_p", "repeat_penalty", "repetition_penalty")
    return {name: body[name] for name in names if name in body}


def test_off_is_said_where_silence_would_mean_the_servers_own_value() -> None:
    off = {"top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0}
    assert extras(body_for("llama.cpp")) == off
    assert extras(body_for("vllm")) == {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
    assert extras(body_for("other")) == {}


def test_each_family_gets_its_own_names() -> None:
    on = {"top_k": 5, "min_p": 0.1, "repeat_penalty": 1.2}
    assert extras(body_for("llama.cpp", **on)) == on
    vllm = {"top_k": 5, "min_p": 0.1, "repetition_penalty": 1.2}
    assert extras(body_for("vllm", **on)) == vllm
    assert extras(body_for("other", **on)) == on | vllm


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("Unrecognized request argument supplied: top_k", {"top_k", "min_p"}),
        ("Unknown parameter: 'min_p'.", {"top_k", "min_p"}),
        ("body.top_k: Extra inputs are not permitted", {"top_k", "min_p"}),
        ("The min_p sampling parameter is not yet supported here.", {"top_k", "min_p"}),
        ("stream_options is not allowed", {"stream_options"}),
        ("This model doesn't support seed", {"seed"}),
        ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.", {"max_tokens"}),
        ("top_k must be -1 (disable), or at least 1, got -2.", set()),  # a wrong value: say so
        ("max_tokens is too large: unsupported", set()),
        ("Unsupported value: 'temperature' does not support 0", set()),
        ("Unknown model 'm'", set()),
    ],
)
def test_only_a_field_that_is_called_unknown_is_left_out(said: str, names: set[str]) -> None:
    body = body_for("other", top_k=5, min_p=0.1)
    assert refusal(said, body) == names


def test_what_is_left_out_has_one_name_and_the_length_changes_its_own() -> None:
    body = body_for("other", top_k=5, repeat_penalty=1.2)
    refused = {"top_k", "repeat_penalty", "repetition_penalty", "max_tokens"}
    assert left_out(body, refused) == ("top_k", "repeat_penalty")
    sent = without(body, refused)
    assert sent["max_completion_tokens"] == body["max_tokens"]
    assert not set(sent) & refused
