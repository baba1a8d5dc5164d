"""A new session has forgotten the correction, and the proof says what it found, whatever it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chatapp.conversation import Conversation
from chatapp.conversation.corrections import WORDINGS, Correction, guess_wrong, prefix_of
from chatapp.engine.client import LocalEngine
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Sampling
from chatapp.proofs.files import file_hash
from chatapp.proofs.new_session import GONE, Forgotten, measure_before, prove_forgotten, times
from chatapp.proofs.record import Record

QUESTION = "What is the capital of Turkey?"


@pytest.fixture(scope="module")
async def corrected(engine: LocalEngine, counter: Counter) -> tuple[Conversation, Correction]:
    """A session in which the model was wrong and was corrected."""
    chat = Conversation(engine, counter, sampling=Sampling(max_tokens=30))
    before = await measure_before(engine, "", QUESTION)
    _ = [step async for step in chat.send(QUESTION)]
    reply = chat.nodes[-1]
    assert reply.facts is not None
    assert reply.facts.first_logits == before
    wrong = guess_wrong(QUESTION, reply.content)
    correction = Correction(
        context=chat.turns[0].messages,
        reply=reply,
        wrong=wrong,
        right="Ankara",
        said="",
        prefix=prefix_of(reply.content, wrong),
        before=before,
    )
    said = WORDINGS[0].message(correction.chosen)
    assert correction.chosen == "The capital of Turkey is Ankara."
    _ = [step async for step in chat.send(said)]
    return chat, replace(correction, said=said)


@pytest.fixture(scope="module")
async def proof(engine: LocalEngine, corrected: tuple[Conversation, Correction]) -> Forgotten:
    chat, correction = corrected
    return await prove_forgotten(
        engine,
        correction,
        chat.messages(),
        sampling=chat.sampling,
        weights_start=file_hash(engine.weights),
    )


async def test_the_new_session_gives_the_bits_from_before(proof: Forgotten) -> None:
    assert proof.same_bits is True
    assert proof.same_weights is True
    assert proof.fresh.logits != proof.corrected.logits
    assert proof.corrected.right > 2 * proof.fresh.right
    assert "Ankara" not in proof.fresh.answer.text
    assert GONE in proof.sentences
    assert "Ankara" in proof.corrected.answer.prompt.text
    assert "Ankara" not in proof.fresh.answer.prompt.text


async def test_the_proof_is_evidence(proof: Forgotten) -> None:
    record = Record()
    proof.note(record)
    assert [check.held for check in record.checks] == [True, True]
    assert {block.kind for block in record.blocks} >= {"sent", "table", "plot", "measured"}


async def test_it_says_so_when_the_bits_are_others(proof: Forgotten) -> None:
    planted = replace(proof, before="0" * 64)
    assert planted.same_bits is False
    assert GONE not in planted.sentences
    assert "NOT those from before" in planted.sentences[0]
    record = Record()
    planted.note(record)
    assert [check for check in record.checks if not check.held]


async def test_it_is_honest_about_what_it_does_not_know(proof: Forgotten) -> None:
    late = replace(proof, before=None)
    assert late.same_bits is None
    assert "not measured in time" in " ".join(late.sentences)
    assert GONE not in late.sentences
    changed = replace(proof, weights_start="0" * 64)
    assert "CHANGED" in " ".join(changed.sentences)


async def test_it_is_honest_about_a_model_that_does_not_follow(proof: Forgotten) -> None:
    stubborn = replace(proof, correction=replace(proof.correction, right="Xyzzy"))
    assert not stubborn.followed
    assert "did not follow the correction" in " ".join(stubborn.sentences)
    knowing = replace(proof, correction=replace(proof.correction, right="Istanbul"))
    assert knowing.known_anyway
    assert "shows little" in " ".join(knowing.sentences)


def test_factors_in_words() -> None:
    assert times(3.14159) == "3.1 times"
    assert times(1_234_567.0) == "1,234,567 times"
