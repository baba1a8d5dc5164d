"""What a view notes is measured on the session in front; the log is tried in its own folder."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from chatapp.errors import ChatappError
from chatapp.lessons.headless import HeadlessStage
from chatapp.lessons.outcome import Outcome
from chatapp.lessons.steps import VIEWS, Settings
from chatapp.lessons.views import view_of
from chatapp.lessons.words import words_of
from chatapp.proofs.evidence import Plot, Table
from chatapp.proofs.facts import built_in
from chatapp.proofs.files import file_hash
from chatapp.proofs.lab import Lab

ENGLISH = words_of("en")


async def stage(lab: Lab, *said: str) -> HeadlessStage:
    found = HeadlessStage(lab)
    await found.begin(Settings(max_tokens=12))
    for text in said:
        await found.send(text)
    return found


async def test_context_and_meter_count_what_is_sent(lab: Lab) -> None:
    there = await stage(lab, "Name a river.")
    context = await view_of("context", there, ENGLISH)
    facts = there.conversation.turns[-1]
    assert context.values["tokens"] == facts.tokens_sent
    assert context.sent is not None
    [table] = context.blocks
    assert isinstance(table, Table)
    assert sum(row[2] for row in table.rows) == facts.tokens_sent  # type: ignore[misc]
    assert "".join(str(row[1]) for row in table.rows) == context.sent
    meter = (await view_of("meter", there, ENGLISH)).values
    assert meter["window"] == 2048
    assert meter["sent"] + meter["free"] + meter["reserve"] == 2048  # type: ignore[operator]


async def test_the_next_token_is_that_of_the_answer(lab: Lab) -> None:
    there = await stage(lab, "Name a river.")
    found = await view_of("next-token", there, ENGLISH)
    assert found.logits == there.conversation.turns[-1].first_logits
    [plot] = found.blocks
    assert isinstance(plot, Plot)
    assert len(plot.labels) == 10
    assert there.conversation.nodes[-1].content.startswith(plot.labels[0])


async def test_weights_are_hashed_now(lab: Lab) -> None:
    found = await view_of("weights", await stage(lab), ENGLISH)
    assert found.values["sha256"] == file_hash(lab.weights)


async def test_the_costs_do_not_depend_on_what_was_reused(lab: Lab) -> None:
    one = await view_of("costs", await stage(lab, "Name a river."), ENGLISH)
    other = await view_of("costs", await stage(lab, "Name a river."), ENGLISH)
    assert one.values == other.values
    assert float(one.values["ratio"] or 0) > 1e9


async def test_the_log_is_tried_where_nothing_stays(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    there = await stage(lab, "Please remember: The door code is 4711.")
    found: Outcome = await view_of("log", there, ENGLISH)
    assert found.values == {
        "found_off": False,
        "found_kept": True,
        "found_training": True,
        "found_withdrawn": False,
        "same_weights": True,
        "trains_off": 0,
        "trains_kept": 0,
        "trains_training": 1,
        "trains_withdrawn": 0,
    }
    assert list(tmp_path.iterdir()) == []


async def test_what_needs_a_turn_says_so(lab: Lab) -> None:
    empty = await stage(lab)
    for view in ("next-token", "log"):
        with pytest.raises(ChatappError, match="in this session yet"):
            await view_of(view, empty, ENGLISH)
    for view in set(VIEWS) - {"next-token", "log"}:
        assert (await view_of(view, empty, ENGLISH)).values


def test_facts_are_chosen_by_name() -> None:
    every = built_in()
    assert every.only(()) is every
    few = every.only(("dog", "iron-number"))
    assert [fact.id for fact in few.every] == ["iron-number", "dog"]
    with pytest.raises(ChatappError, match="no fact called cat"):
        every.only(("cat",))
