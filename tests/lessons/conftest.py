from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.proofs.lab import Lab


@pytest.fixture
async def lab(default_model: Path, engine: LocalEngine) -> AsyncIterator[Lab]:
    """The real thing, on the engine that all tests share."""
    lab = Lab(default_model, EngineOptions(window=2048), engine=engine)
    yield lab
    await lab.close()
