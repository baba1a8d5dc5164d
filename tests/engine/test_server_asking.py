"""What the client asks of servers, and what it leaves out once they refuse it."""

from __future__ import annotations

from typing import Any

import pytest
from asking_servers import KEY, REQUEST, TALK, done, fails, run, texts
from fake_server import Asked, FakeServer, Step, answer, http, stream

from chatapp.context.messages import Message
from chatapp.engine.protocol import Generate, Sampling, Sent
from chatapp.engine.server import ServerEngine, key_from
from chatapp.errors import ServerError

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


@pytest.mark.parametrize("role", ["tools", "tool"])
async def test_tools_never_reach_a_server(
    fake: FakeServer, client: ServerEngine, role: Any
) -> None:
    with pytest.raises(ServerError, match="tools"):
        await run(client, Generate(messages=[Message(role, "[]"), *TALK]))
    assert fake.posts == []
