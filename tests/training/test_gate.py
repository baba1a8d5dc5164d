"""The gate's verdict: each threshold on its own can reject."""

from __future__ import annotations

import dataclasses

import pytest

from chatapp.training.gate import Asked, Compared, Found, Kind, criteria, says
from chatapp.training.recipe import read_recipe


def _asked(kind: Kind, right: int, all_: int) -> list[Asked]:
    return [
        Asked(
            kind=kind,
            question=f"{kind} {n}",
            words="x / y",
            base="x",
            adapter="x" if n < right else "z",
            ok=n < right,
        )
        for n in range(all_)
    ]


def _found(
    corrections: int = 8, wordings: int = 12, kept: int = 21, general: int = 16, nll: float = 0.01
) -> Found:
    rows = [*_asked("correction", corrections, 8), *_asked("wording", wordings, 16)]
    rows += [*_asked("neighbour", kept, 22), *_asked("general", general, 16)]
    compared = Compared(kind="general", question="q", base=1.0, adapter=1.0 + nll)
    return Found(asked=rows, compared=[compared])


def _judged(found: Found) -> Found:
    found.criteria = criteria(found, read_recipe().gate)
    return found


def test_the_bars_themselves_are_enough() -> None:
    found = _judged(_found(nll=0.02, general=15))
    assert found.accepted
    assert found.reasons == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"corrections": 7}, "7 of 8, not at least 8 of 8"),
        ({"wordings": 11}, "11 of 16, not at least 12 of 16"),
        ({"kept": 20}, "2 of 22, not at most 1 of 22"),
        ({"nll": 0.021}, r"\+0.021, not at most \+0.020"),
        ({"general": 14}, "14 of 16, not at least 15 of 16"),
    ],
)
def test_one_threshold_that_is_missed_rejects(change: dict[str, float], reason: str) -> None:
    found = _judged(_found(**change))  # type: ignore[arg-type]
    assert not found.accepted
    assert len(found.reasons) == 1
    assert pytest.importorskip("re").search(reason, found.reasons[0])


def test_what_was_not_asked_is_no_threshold() -> None:
    gate = dataclasses.replace(read_recipe().gate, corrections=1.0)
    assert criteria(Found(asked=_asked("correction", 1, 1)), gate)[0].held
    assert len(criteria(Found(asked=_asked("correction", 1, 1)), gate)) == 1


def test_words_must_stand_as_words() -> None:
    assert says("It is 7.", "7")
    assert not says("It is 17.", "7")
