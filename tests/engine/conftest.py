"""A scripted server, and the client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from fake_server import FakeServer

from chatapp.engine.server import ServerEngine


@pytest.fixture
async def fake() -> AsyncIterator[FakeServer]:
    async with FakeServer() as server:
        yield server


@pytest.fixture
async def client(fake: FakeServer) -> AsyncIterator[ServerEngine]:
    engine = ServerEngine(fake.url, first=5, idle=5)
    yield engine
    await engine.close()
