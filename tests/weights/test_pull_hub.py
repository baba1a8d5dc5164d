"""Pulling a file over HTTP from a server on this machine: resuming, and what can go wrong."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from chatapp.engine.weights.catalogue import Entry, HubSource
from chatapp.engine.weights.pull import Progress, pull
from chatapp.errors import PullError
from tests.weights.maker import entry
from tests.weights.servers import Hub, serving

CONTENT = bytes(range(256)) * 4000  # about 1 MB
SOURCE = HubSource("owner/repo", "tiny.gguf")
Serve = Callable[[Hub], Hub]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serve a Hub for the length of a test, as HF_ENDPOINT names it."""
    for name in ("HF_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with ExitStack() as stack:

        def start(hub: Hub) -> Hub:
            context: AbstractContextManager[Hub] = serving(hub)
            stack.enter_context(context)
            monkeypatch.setenv("HF_ENDPOINT", hub.url + "/")
            return hub

        yield start


def wanted(content: bytes = CONTENT) -> Entry:
    return entry(content, SOURCE)


def part(models: Path) -> Path:
    return models / ".partial" / "tiny.gguf.part"


def test_a_file_is_pulled_whole(tmp_path: Path, serve: Serve) -> None:
    hub, seen = serve(Hub(CONTENT)), list[Progress]()
    path = pull(wanted(), tmp_path / "models", seen.append)
    assert path == tmp_path / "models" / "tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in (path.parent / ".partial").iterdir()] == ["tiny.gguf.lock"]
    assert hub.asked == [None]
    assert list(dict.fromkeys(p.stage for p in seen)) == [
        "connect",
        "download",
        "check",
    ]
    assert seen[-1].done == seen[-1].total == len(CONTENT)
    assert {p.source for p in seen} == {"Hugging Face: owner/repo"}


def test_a_broken_connection_is_resumed_at_once(tmp_path: Path, serve: Serve) -> None:
    hub = serve(Hub(CONTENT, breaks=[300_000, 200_000]))
    assert pull(wanted(), tmp_path).read_bytes() == CONTENT
    assert hub.asked == [None, "bytes=300000-", "bytes=500000-"]


def test_a_pull_that_gave_up_is_resumed_by_the_next(tmp_path: Path, serve: Serve) -> None:
    hub = serve(Hub(CONTENT, breaks=[300_000, 0]))
    with pytest.raises(PullError, match=r"broke off after 0 of 1 MB.*goes on from there"):
        pull(wanted(), tmp_path)
    assert part(tmp_path).read_bytes() == CONTENT[:300_000]
    assert not (tmp_path / "tiny.gguf").exists()
    assert pull(wanted(), tmp_path).read_bytes() == CONTENT
    assert hub.asked == [None, "bytes=300000-", "bytes=300000-"]


def test_a_stopped_pull_is_resumed_by_the_next(tmp_path: Path, serve: Serve) -> None:
    hub, seen = serve(Hub(CONTENT)), list[Progress]()
    with pytest.raises(PullError, match="was stopped"):
        pull(wanted(), tmp_path, seen.append, lambda: bool(seen) and seen[-1].done > 200_000)
    have = part(tmp_path).stat().st_size
    assert 200_000 < have < len(CONTENT)
    assert pull(wanted(), tmp_path).read_bytes() == CONTENT
    assert hub.asked[-1] == f"bytes={have}-"


def test_a_server_without_ranges_sends_everything_again(tmp_path: Path, serve: Serve) -> None:
    serve(Hub(CONTENT, ranges=False))
    part(tmp_path).parent.mkdir()
    part(tmp_path).write_bytes(CONTENT[:1000])
    assert pull(wanted(), tmp_path).read_bytes() == CONTENT


def test_a_complete_part_needs_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    part(tmp_path).parent.mkdir()
    part(tmp_path).write_bytes(CONTENT)
    assert pull(wanted(), tmp_path).read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_thrown_away(tmp_path: Path, serve: Serve) -> None:
    serve(Hub(CONTENT))
    part(tmp_path).parent.mkdir()
    part(tmp_path).write_bytes(CONTENT + b"x")
    assert pull(wanted(), tmp_path).read_bytes() == CONTENT


def test_a_wrong_file_is_deleted_and_said_so(tmp_path: Path, serve: Serve) -> None:
    serve(Hub(b"x" + CONTENT[1:]))
    with pytest.raises(PullError, match=r"not the file that the catalogue names.*deleted"):
        pull(wanted(), tmp_path)
    assert not part(tmp_path).exists()
    assert not (tmp_path / "tiny.gguf").exists()


def test_a_part_of_another_file_is_deleted_so_that_the_next_pull_works(
    tmp_path: Path, serve: Serve
) -> None:
    serve(Hub(CONTENT))
    part(tmp_path).parent.mkdir()
    part(tmp_path).write_bytes(b"other" * 100)
    with pytest.raises(PullError, match="deleted"):
        pull(wanted(), tmp_path)
    assert pull(wanted(), tmp_path).read_bytes() == CONTENT


ANSWERS = {
    "longer": (Hub(CONTENT + b"more"), "larger than the catalogue"),
    "shorter": (Hub(CONTENT[:-5]), "smaller than the catalogue"),
    "missing": (Hub(CONTENT, path="/elsewhere"), "answered 404"),
    "error": (Hub(CONTENT, status=503), "answered 503"),
    "account": (Hub(CONTENT, status=401), "HF_TOKEN"),
    "forbidden": (Hub(CONTENT, status=403), "HF_TOKEN"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_a_server_that_does_not_give_the_file(tmp_path: Path, serve: Serve, case: str) -> None:
    hub, reason = ANSWERS[case]
    serve(hub)
    with pytest.raises(PullError) as caught:
        pull(wanted(), tmp_path)
    assert reason in str(caught.value)
    assert "put any .gguf file into" in str(caught.value)
    assert not (tmp_path / "tiny.gguf").exists()


def test_a_server_that_sends_another_part_is_refused(tmp_path: Path, serve: Serve) -> None:
    serve(Hub(CONTENT, shifted=True))
    part(tmp_path).parent.mkdir()
    part(tmp_path).write_bytes(CONTENT[:1000])
    with pytest.raises(PullError, match="another part"):
        pull(wanted(), tmp_path)
    assert part(tmp_path).read_bytes() == CONTENT[:1000]


def test_the_token_is_sent_if_there_is_one(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = serve(Hub(CONTENT))
    monkeypatch.setenv("HF_TOKEN", "secret")
    pull(wanted(), tmp_path)
    assert hub.tokens == ["Bearer secret"]


def test_without_a_network_it_says_how_to_bring_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:  # bound, not listening: a connection is refused
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(PullError) as caught:
            pull(wanted(), tmp_path)
    sentence = str(caught.value)
    assert "no network" in sentence
    assert f"put any .gguf file into {tmp_path}" in sentence
    assert "-m FILE" in sentence


@pytest.mark.parametrize("endpoint", ["ftp://127.0.0.1", "http://[bad", "nonsense"])
def test_a_useless_endpoint_is_an_error_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(PullError, match="could not be fetched"):
        pull(wanted(), tmp_path)
