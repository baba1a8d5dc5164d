"""How many threads: physical cores, within the container's share."""

from __future__ import annotations

import pytest

from chatapp.engine.threads import Cores, cores, thread_count


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Cores(8), 8),
        (Cores(16, usable=16, physical=8), 8),
        (Cores(16, usable=16, physical=8, share=2), 2),
        (Cores(2, usable=2, physical=2, share=64), 2),
    ],
)
def test_threads(found: Cores, expected: int) -> None:
    assert found.threads == expected


def test_this_machine() -> None:
    assert 1 <= thread_count() <= cores().cpus
