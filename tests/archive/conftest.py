"""A store in an empty folder, and sessions as chats write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatapp.archive.records import State, StoredTurn, Weights
from chatapp.archive.store import NAME, Store
from chatapp.archive.writing import NewMessage, Writer

WEIGHTS = Weights(model="small", sha256="ab" * 32)


def turn(number: int, **values: object) -> StoredTurn:
    """How a reply came about."""
    sampling = {"temperature": 0.0, "top_k": 40, "seed": 7, "max_tokens": 64, "stop": []}
    given = {"sampling": sampling, "weights": WEIGHTS, "tokens_sent": 10 * number} | values
    return StoredTurn(number=number, **given)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / NAME


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(path) as opened:
        yield opened


Say = Callable[..., tuple[str, list[int]]]


@pytest.fixture
def say(store: Store) -> Say:
    """Store a session of questions and answers; its id and the ids of its messages."""
    names = iter(f"{n:016x}" for n in range(1, 10**6))

    def it(
        *texts: str, state: State = "training", system: str = "", title: str = ""
    ) -> tuple[str, list[int]]:
        name = next(names)
        writer = Writer(store, name)
        writer.begin(state, title=title or texts[0], system=system, model="small")
        ids: list[int] = []
        for number, (question, answer) in enumerate(zip(texts[::2], texts[1::2], strict=True), 1):
            parent = ids[-1] if ids else None
            asked = writer.add([NewMessage(parent=parent, role="user", content=question)])[0]
            reply = writer.add(
                [NewMessage(parent=asked, role="assistant", content="", status="streaming")]
            )[0]
            writer.grow(reply, answer[:3])
            writer.end(reply, answer, "complete", "", turn(number, system=system))
            ids += [asked, reply]
        return name, ids

    return it
