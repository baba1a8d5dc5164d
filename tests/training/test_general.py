"""General questions: what the gate asks shows damage only where the base answers well."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from benchmarks.finetune.facts import correction, read, write
from chatapp.engine.client import LocalEngine
from chatapp.training import contrast, gate
from chatapp.training.dataset import read_export
from chatapp.training.engines import answer
from chatapp.training.general import general_asked, general_weighed
from chatapp.training.prompts import asked
from chatapp.training.recipe import read_recipe


async def test_the_default_base_answers_what_is_asked(engine: LocalEngine) -> None:
    missed = []
    for one in general_asked():
        said = await answer(engine, asked(one.prompt), gate.GENERAL_TOKENS)
        if not any(gate.says(said, word) for word in one.words):
            missed.append((one.prompt, said))
    assert len(missed) <= 1, missed  # all of them here; another processor rounds otherwise


def test_no_general_question_names_what_may_be_held() -> None:
    """A country, an element or a book is held as a neighbour of a correction about another."""
    apart = {"ours", "thing", "most"}  # everyday words, which are held as "our cat" and the like
    items = [one for kind in contrast.kinds() if kind.name not in apart for one in kind.items]
    assert items
    for one in general_asked():
        found = [x for x in items if re.search(rf"\b{re.escape(x)}\b", one.prompt, re.IGNORECASE)]
        assert not found, one.prompt


def test_what_was_corrected_or_held_is_no_general_question(tmp_path: Path) -> None:
    taken, held = general_asked()[0].prompt, general_weighed()[0][0]
    known = dataclasses.replace(read("tuning").corrections[0], question=taken.upper())
    export = read_export(write([correction(0, "0" * 64, known)], tmp_path / "one"))
    found = gate.questions(export.corrections, [], [held], read_recipe().gate, 0)
    assert taken not in [one.prompt for one in found.general]
    assert held not in dict(found.weighed)
    assert (len(found.general), len(found.weighed)) == (19, 15)


def test_an_answer_that_is_weighed_is_not_asked_for(tmp_path: Path) -> None:
    export = read_export(
        write([correction(0, "0" * 64, read("tuning").corrections[0])], tmp_path / "one")
    )
    recipe = dataclasses.replace(read_recipe().gate, general_prompts=3, general_questions=2)
    asks = gate._asks(gate.questions(export.corrections, [], [], recipe, 0))
    general = [(one.tokens, one.given) for kind, one, _ in asks if kind == "general"]
    assert general == [
        *((gate.GENERAL_TOKENS, None) for _ in range(2)),
        *((0, answer) for _, answer in general_weighed()[:3]),
    ]
