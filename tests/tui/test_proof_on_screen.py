"""A new session behind a correction: what is proved is shown, and what is not, as well."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatapp.conversation.corrections import Correction
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Sampling, Scores, Token
from chatapp.proofs.asking import Answer
from chatapp.proofs.new_session import GONE, Forgotten
from chatapp.proofs.odds import Odds
from chatapp.sources.notes import Notes, save_notes
from chatapp.tui.correcting import Kept
from chatapp.tui.given import Model
from chatapp.tui.proof_rows import decisive, odds_lines, probability, sides
from chatapp.tui.screens.proof import ProofScreen
from tests.scripted import Reply, ScriptedEngine
from tests.tui.conftest import Chat, Open

QUESTION = "What is the capital of Turkey?"
WRONG = "The capital of Turkey is Istanbul."


# ── the real thing ──────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def real(chatting: Open, weights: Path, **given: Any) -> AsyncIterator[Chat]:
    engine = LocalEngine(weights, EngineOptions(window=2048))

    async def open_model(name: str, window: int | None) -> Model:
        counter = Counter(engine, weights)
        await counter.open()

        def mark() -> str:
            return hashlib.sha256(weights.read_bytes()).hexdigest()

        return Model(engine, counter, "SmolLM2", mark)

    async with chatting(
        open_model=open_model, ready=False, sampling=Sampling(max_tokens=30), **given
    ) as chat:
        await chat.until(lambda: chat.screen.weights.text, "the mark of the weights")
        yield chat


async def corrected(chat: Chat) -> None:
    await chat.say(QUESTION)
    assert chat.nodes[-1].content == WRONG
    await chat.press("ctrl+k")
    await chat.until(lambda: chat.app.screen is not chat.screen, "the dialog")
    await chat.pilot.pause()
    await chat.press(*"Ankara")
    await chat.pilot.pause()
    await chat.press("ctrl+s")
    await chat.until(lambda: len(chat.nodes) == 4, "the correction")
    await chat.done()


async def proved(chat: Chat) -> Forgotten:
    await chat.until(lambda: isinstance(chat.app.screen, ProofScreen), "the proof's screen")
    screen = chat.app.screen
    assert isinstance(screen, ProofScreen)
    await chat.until(lambda: screen.found, "the proof")
    assert screen.found is not None
    return screen.found


async def test_a_new_session_proves_that_the_correction_is_gone(
    chatting: Open, default_model: Path
) -> None:
    async with real(chatting, default_model, size=(120, 50)) as chat:
        await corrected(chat)
        assert "Ankara" in chat.nodes[-1].content
        await chat.press("ctrl+n")
        found = await proved(chat)
        assert found.same_bits is True
        assert found.same_weights is True
        assert found.followed
        assert not found.known_anyway
        assert found.corrected.right > 0.5 > found.fresh.right
        assert found.before != found.corrected.answer.first
        short = f"{found.before}"[:8]
        await chat.sees("✓ EQUAL, bit for bit", "✓ EQUAL, byte for byte", GONE[:40], short)
        assert "NOT EQUAL" not in chat.text
        await chat.press("escape")
        await chat.until(lambda: chat.app.screen is chat.screen, "the chat")
        assert chat.screen.current == 1
        assert chat.nodes == []
        # The new session is what the proof said it would be.
        await chat.say(QUESTION)
        assert chat.nodes[-1].content == WRONG
        facts = chat.nodes[-1].facts
        assert facts is not None
        assert facts.first_logits == found.after
        # From here it can be proved again.
        await chat.press("ctrl+o")
        assert (await proved(chat)).same_bits is True


async def test_a_later_question_is_measured_before_it_is_corrected(
    chatting: Open, default_model: Path
) -> None:
    async with real(chatting, default_model, size=(80, 24), system="Answer briefly.") as chat:
        await chat.say("Hello!")
        await chat.say(QUESTION)
        await chat.press("ctrl+k")
        await chat.until(lambda: chat.app.screen is not chat.screen, "the dialog")
        await chat.pilot.pause()
        await chat.press(*"Ankara", "ctrl+s")
        await chat.until(lambda: len(chat.nodes) == 6, "the correction")
        await chat.done()
        await chat.press("ctrl+n")
        found = await proved(chat)
        assert found.before is not None
        assert found.same_bits is True
        assert "Answer briefly." in found.fresh.answer.prompt.text
        assert "Hello!" not in found.fresh.answer.prompt.text
        assert "Hello!" in found.corrected.answer.prompt.text


# ── the screen alone ────────────────────────────────────────────────────────────────────────────


async def forged(chat: Chat, **changes: Any) -> Forgotten:
    """A proof as it could be found, made up."""
    kept = chat.screen.sessions[0].kept[-1]

    async def odds(messages: Any, text: str, right: float, wrong: float, bits: str) -> Odds:
        prompt = await chat.engine.render(messages)
        assert prompt is not None
        answer = Answer(prompt, (Token(text=text, token=1, logits=bits),), text, None)  # type: ignore[arg-type]
        return Odds(answer, Scores(prompt=prompt, scores=(), logits=bits), right, wrong, ())

    talk = chat.screen.sessions[0].conversation
    assert talk is not None
    alone = kept.correction.context
    found = Forgotten(
        correction=kept.correction,
        corrected=await odds([*talk.messages(), *alone], "It is Ankara.", 0.66, 0.27, "c" * 64),
        fresh=await odds(alone, "It is Istanbul [/x].", 7e-9, 0.62, "a" * 64),
        before="a" * 64,
        weights_start="e" * 64,
        weights_now="e" * 64,
    )
    return replace(found, **changes)


@asynccontextmanager
async def scripted(
    chatting: Open, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], **given: Any
) -> AsyncIterator[Chat]:
    """A corrected session, and a proof that finds what it is told to find."""
    first = Reply((Token(text=WRONG, logits="a" * 64),))
    async with chatting(first, **given) as chat:

        async def prove(*_: Any, **__: Any) -> Forgotten:
            if "error" in changes:
                raise changes["error"]
            if "wait" in changes:
                await changes["wait"].wait()
            return await forged(chat, **{k: v for k, v in changes.items() if k != "wait"})

        monkeypatch.setattr("chatapp.proofs.new_session.prove_forgotten", prove)
        await chat.say(QUESTION)
        await chat.say("No, it is Ankara.")
        await chat.press("ctrl+k")
        await chat.until(lambda: chat.app.screen is not chat.screen, "the dialog")
        await chat.pilot.pause()
        await chat.press("ctrl+s")
        await chat.until(lambda: chat.screen.session.kept, "kept")
        await chat.until(lambda: chat.app.screen is chat.screen, "the chat")
        yield chat


@pytest.mark.parametrize("size", [(120, 50), (80, 24), (40, 20), (20, 8)])
async def test_it_is_shown_at_every_size(
    chatting: Open, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    async with scripted(chatting, monkeypatch, {}, size=size) as chat:
        await chat.press("ctrl+n")
        await proved(chat)
        await chat.pilot.pause()
        assert chat.app.is_running
        if size[0] > 40:
            await chat.sees("the corrected session", "It is Ankara.")
            await chat.press("end")
            await chat.sees("EQUAL, bit for bit", "0.000 000 007", "It is Istanbul [/x].")


async def test_other_bits_and_other_weights_are_shown_as_such(
    chatting: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"before": "9" * 64, "weights_now": "8" * 64}
    async with scripted(chatting, monkeypatch, changes, size=(120, 50)) as chat:
        await chat.press("ctrl+n")
        await proved(chat)
        await chat.sees("✗ NOT EQUAL", "✗ CHANGED", "The bits are NOT those from before")
        assert "EQUAL, bit for bit" not in chat.text
        assert GONE[:30] not in chat.text


async def test_saved_notes_are_no_change_of_the_system_prompt(
    chatting: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.toml"
    save_notes(notes, Notes(on=True, texts=("My dog is called Biscuit.",)))
    async with scripted(chatting, monkeypatch, {}, notes=notes, system="Be kind.") as chat:
        kept = chat.screen.sessions[0].kept[-1]
        assert "Biscuit" in kept.system
        found = await forged(chat)
        assert not [one for one in chat.screen._notes(kept, found) if "system prompt" in one]
        chat.screen.values = replace(chat.screen.values, system="Be brief.")  # type: ignore[type-var]
        assert [one for one in chat.screen._notes(kept, found) if "system prompt" in one]


async def test_leaving_stops_the_work_and_frees_the_model(
    chatting: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = asyncio.Event()
    async with scripted(chatting, monkeypatch, {"wait": wait}, size=(80, 24)) as chat:
        await chat.press("ctrl+n")
        await chat.sees("Is the correction gone?")
        await chat.press("escape")
        await chat.until(lambda: chat.app.screen is chat.screen, "the chat")
        await chat.sees("session 2 of 2")
        await chat.say("hello")
        assert chat.nodes[-1].content == "ok"


async def test_an_error_is_a_sentence(chatting: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    from chatapp.errors import EngineError

    error = EngineError("The window [is] full.")
    async with scripted(chatting, monkeypatch, {"error": error}) as chat:
        await chat.press("ctrl+n")
        await chat.sees("It could not be proved: The window [is] full.")


async def test_a_server_is_not_proved_about(chatting: Open) -> None:
    engine = ScriptedEngine(kind="server")
    async with chatting(Reply((WRONG,)), engine=engine) as chat:
        await chat.say(QUESTION)
        await chat.say("No, it is Istambul.")
        assert chat.screen.session.offer is None
        await chat.press("ctrl+k")
        await chat.until(lambda: chat.app.screen is not chat.screen, "the dialog")
        await chat.pilot.pause()
        await chat.press(*"Ankara", "ctrl+s")
        await chat.sees("Kept as a correction. With a server")
        await chat.done()
        await chat.press("ctrl+n")
        await chat.sees("nothing can", "session 2 of 2")
        assert chat.app.screen is chat.screen


async def test_another_model_is_not_compared(chatting: Open) -> None:
    async with chatting(Reply((WRONG,))) as chat:
        await chat.say(QUESTION)
        correction = Correction(
            context=chat.talk.turns[0].messages,
            reply=chat.nodes[-1],
            wrong="Istanbul",
            right="Ankara",
            said="x",
        )
        chat.screen.session.kept.append(Kept(correction, weights=Path("other.gguf")))
        await chat.press("ctrl+n")
        await chat.sees("told to another model")


# ── the lines ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.66, "0.66"),
        (7e-9, "0.000 000 007"),
        (0.0934, "0.093"),
        (1.0, "1.000"),
        (0.99996, "over 0.999"),
        (0.9961, "0.996"),
        (0.0, "0"),
        (3e-15, "3 × 10⁻¹⁵"),
        (9.7e-4, "0.001"),
        (None, "not measured"),
    ],
)
def test_probabilities(value: float | None, text: str) -> None:
    assert probability(value) == text


async def test_what_was_not_measured_is_not_compared(
    chatting: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(chatting, monkeypatch, {}) as chat:
        found = await forged(chat, before=None, weights_start=None)
        text = "\n".join(line for line, _ in decisive(found, 80))
        assert "not measured in time" in text
        assert "EQUAL" not in text
        for width in (10, 40, 100):
            for side in sides(found):
                assert all(len(line) <= max(width, 26) for line, _ in odds_lines(side, width))
