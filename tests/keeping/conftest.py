"""A keeper over a store in a folder, and what is in that store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from chatapp.archive import sessions
from chatapp.archive.records import StoredSession, Weights
from chatapp.archive.store import NAME, Store
from chatapp.conversation import Conversation
from chatapp.engine.counter import Counter
from chatapp.keeping.archive import Archive
from chatapp.keeping.keeper import Keeper
from chatapp.keeping.turns import Answered
from tests.scripted import Reply, ScriptedEngine

BY = Answered(Weights(model="scripted", sha256="ab" * 32), 2048)


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    archive = Archive(tmp_path)
    yield archive
    await archive.close()


Make = Callable[..., Keeper]


@pytest.fixture
def make(archive: Archive) -> Make:
    def it(*replies: Reply, **values: object) -> Keeper:
        engine = ScriptedEngine(list(replies))
        talk = Conversation(engine, Counter(engine, None), **values)  # type: ignore[arg-type]
        return Keeper(archive, talk, by=lambda: BY)

    return it


async def say(keeper: Keeper, text: str) -> None:
    async for _ in keeper.follow(keeper.conversation.send(text)):
        pass


def stored(tmp_path: Path, name: str) -> StoredSession:
    with Store(tmp_path / NAME) as store:
        return sessions.load(store, name)


def told(session: StoredSession) -> list[tuple[str, str]]:
    return [(message.content, message.status) for message in session.branch()]
