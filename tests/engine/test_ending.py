"""A crash is told from an end that came from outside."""

from __future__ import annotations

import pytest

from chatapp.engine.ending import crash_of, how


@pytest.mark.parametrize(
    ("status", "crash"),
    [(-11, "SIGSEGV"), (-4, "SIGILL"), (-9, None), (-15, None), (-40, None), (0, None), (1, None)],
)
def test_a_crash_is_a_signal_for_what_the_process_did(status: int, crash: str | None) -> None:
    assert crash_of(status) == crash


def test_while_it_runs_there_is_none() -> None:
    assert crash_of(None) is None
    assert how(None) == "ended"
    assert how("SIGILL") == "crashed (SIGILL)"
