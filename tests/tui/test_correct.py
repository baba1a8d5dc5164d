"""Correcting a reply: what is sent is what was seen, and nothing is kept without being asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, TextArea

from chatapp.archive.marks import TOOLS_HELD
from chatapp.context.messages import Message
from chatapp.context.template import ChatTemplate
from chatapp.engine.protocol import Score, Scores, Token
from chatapp.tui import correcting, words
from chatapp.tui.correcting import Told
from chatapp.tui.dialogs.correct import CorrectDialog
from tests.scripted import Reply, ScriptedEngine
from tests.tool_model import TEMPLATE as TOOLS
from tests.tui.conftest import Chat, Open

QUESTION = "What is the capital of Turkey?"
ISTANBUL = Reply((Token(text="The capital of Turkey", logits="a" * 64), " is Istanbul."))
SAID = "That is not right. The capital of Turkey is Ankara. Repeat after me: The capital of "


class Scoring(ScriptedEngine):
    """Measures as well; keeps what was asked, and how many requests had come before."""

    scored: list[tuple[int, list[Message]]]

    async def score(self, request: Score) -> Scores:
        self.scored = [
            *getattr(self, "scored", []),
            (len(self.requests), list(request.messages)),
        ]
        prompt = await self.render(request.messages)
        assert prompt is not None
        return Scores(prompt=prompt, logits="b" * 64, scores=())


async def opened(chat: Chat) -> CorrectDialog:
    await chat.until(lambda: isinstance(chat.app.screen, CorrectDialog), "the dialog")
    await chat.pilot.pause()
    assert isinstance(chat.app.screen, CorrectDialog)
    return chat.app.screen


async def closed(chat: Chat) -> None:
    await chat.until(lambda: chat.app.screen is chat.screen, "the chat")


async def test_a_reply_below_a_tools_result_is_corrected_for_what_the_person_asked(
    chatting: Open, tmp_path: Path
) -> None:
    call = '{"name": "calculator", "arguments": {"expression": "12 * 7"}}'
    engine = Scoring([Reply((call,)), Reply(("It is 48.",)), Reply(("It is 84.",))])
    engine.template = ChatTemplate(TOOLS)
    async with chatting(engine=engine, transcripts=tmp_path) as chat:
        chat.talk.tools = True
        assert chat.screen.session.keeper is not None
        await chat.screen.session.keeper.set_state("kept")
        await chat.say("What is 12 * 7?")
        reply = chat.nodes[-1]
        assert correcting.question(reply) == "What is 12 * 7?"
        chat.screen.turns.correct(chat.screen.session, reply, Told("84", "48", "No, it is 84."))
        await chat.until(lambda: len(engine.requests) == 3, "the correction sent")
        await chat.done()
        # Measured before: the question alone. Sent: the whole transcript, with the result in it.
        assert [messages for _, messages in engine.scored] == [[Message("user", "What is 12 * 7?")]]
        assert [message.role for message in engine.requests[2].messages] == [
            *("tools", "user", "assistant", "tool", "assistant", "user")
        ]
        (kept,) = chat.screen.session.kept
        assert kept.correction.question == "What is 12 * 7?"
        assert list(kept.correction.context) == list(engine.requests[1].messages)
        notice = chat.screen.session.pane._notice
        assert TOOLS_HELD in str(notice)
        assert words.EXAMPLE not in str(notice)
        assert chat.screen.session.keeper.trouble == ""


async def test_the_message_is_written_while_the_right_answer_is_typed(chatting: Open) -> None:
    async with chatting(ISTANBUL, size=(80, 24)) as chat:
        await chat.say(QUESTION)
        await chat.press("ctrl+k")
        dialog = await opened(chat)
        assert dialog.query_one("#wrong", Input).value == "Istanbul"
        assert dialog.focused is dialog.query_one("#right")
        await chat.press(*"Ankara")
        await chat.until(lambda: SAID in dialog.told.message, "the whole message")
        await chat.sees("Repeat after me", "followed it for 15 of 46 facts", "No weight changes")
        await chat.press("enter", "enter", "down")
        await chat.until(
            lambda: dialog.told.message == "Please remember: The capital of Turkey is Ankara.",
            "the second wording",
        )


@pytest.mark.parametrize("keys", [("ctrl+s",), ("ctrl+enter",), ("enter",) * 5])
async def test_what_is_seen_is_sent_and_the_correction_is_kept(
    chatting: Open, keys: tuple[str, ...]
) -> None:
    async with chatting(ISTANBUL) as chat:
        await chat.say(QUESTION)
        await chat.write("half a thought")
        await chat.press("ctrl+k")
        dialog = await opened(chat)
        await chat.press(*"Ankara")
        await chat.until(lambda: SAID in dialog.told.message, "the whole message")
        message = dialog.told.message
        await chat.press(*keys)
        await closed(chat)
        await chat.done()
        assert chat.engine.requests[-1].messages[-1] == Message("user", message)
        assert chat.draft == "half a thought"
        (correction,) = chat.screen.session.corrections
        assert (correction.right, correction.wrong) == ("Ankara", "Istanbul")
        assert correction.said == message
        assert correction.question == QUESTION
        assert correction.prefix == "The capital of Turkey is"
        assert correction.before == "a" * 64
        await chat.sees(words.kept(local=True)[:30])


async def test_a_message_written_by_hand_stays_and_is_sent(chatting: Open) -> None:
    async with chatting(ISTANBUL) as chat:
        await chat.say(QUESTION)
        await chat.press("ctrl+k")
        dialog = await opened(chat)
        whole = dialog.query_one("#whole", TextArea)
        whole.load_text("It is ANKARA, I say.")
        dialog.query_one("#right", Input).focus()
        await chat.press(*"Ankara")
        await chat.until(lambda: dialog.told.right == "Ankara", "the right answer")
        await chat.press("ctrl+s")
        await closed(chat)
        await chat.done()
        assert chat.nodes[-2].content == "It is ANKARA, I say."


async def test_without_a_right_answer_nothing_is_sent(chatting: Open) -> None:
    async with chatting(ISTANBUL) as chat:
        await chat.say(QUESTION)
        await chat.press("ctrl+k")
        await opened(chat)
        await chat.press("ctrl+s")
        await chat.sees("What is the right answer?")
        await chat.press("escape")
        await closed(chat)
        assert len(chat.nodes) == 2
        assert not chat.screen.session.corrections


async def test_the_question_alone_is_measured_before_a_later_correction_is_sent(
    chatting: Open,
) -> None:
    engine = Scoring()
    async with chatting(Reply(("hi",)), ISTANBUL, engine=engine, system="Be brief.") as chat:
        await chat.say("hello")
        await chat.say(QUESTION)
        await chat.press("ctrl+k")
        await opened(chat)
        await chat.press(*"Ankara", "ctrl+s")
        await closed(chat)
        await chat.until(lambda: len(engine.requests) == 3, "the correction")
        await chat.done()
        alone = [Message("system", "Be brief."), Message("user", QUESTION)]
        assert engine.scored == [(2, alone)]
        assert chat.screen.session.corrections[0].before == "b" * 64


async def test_a_typed_correction_is_offered_and_only_kept_when_asked(chatting: Open) -> None:
    async with chatting(ISTANBUL, size=(80, 24)) as chat:
        await chat.say(QUESTION)
        await chat.say("No, the capital of Turkey is Ankara.")
        await chat.sees("That looks like a correction.")
        assert not chat.screen.session.corrections
        await chat.press("ctrl+k")
        dialog = await opened(chat)
        assert dialog.query_one("#right", Input).value == "Ankara"
        await chat.sees("Keep as a correction", "nothing is sent again")
        await chat.press("ctrl+s")
        await closed(chat)
        await chat.until(lambda: chat.screen.session.corrections, "kept")
        (correction,) = chat.screen.session.corrections
        assert correction.said == "No, the capital of Turkey is Ankara."
        assert correction.reply.content == "The capital of Turkey is Istanbul."
        assert correction.before == "a" * 64
        assert len(chat.engine.requests) == 2
        await chat.press("ctrl+k")
        dialog = await opened(chat)
        assert dialog.heading == "Correct it"


async def test_an_offer_ends_with_the_next_message(chatting: Open) -> None:
    async with chatting(ISTANBUL) as chat:
        await chat.say(QUESTION)
        await chat.say("That is wrong, it is Ankara.")
        await chat.say("And of France?")
        await chat.sees_not("That looks like a correction.")
        assert chat.screen.session.offer is None


async def test_each_session_has_its_own_corrections(chatting: Open) -> None:
    async with chatting(ISTANBUL) as chat:
        await chat.say(QUESTION)
        await chat.say("No, it is Ankara.")
        await chat.press("ctrl+n")
        await chat.sees("session 2 of 2")
        assert chat.screen.session.offer is None
        await chat.press("ctrl+k")
        await chat.sees("There is no reply to correct yet.")


async def test_the_button_of_a_reply_opens_it(chatting: Open) -> None:
    async with chatting(ISTANBUL, size=(80, 24)) as chat:
        await chat.say(QUESTION)
        await chat.press("ctrl+up")
        await chat.sees("[ correct ]")
        y = next(n for n, line in enumerate(chat.lines) if "[ correct ]" in line)
        await chat.pilot.click(offset=(chat.lines[y].index("[ correct ]") + 3, y))
        await opened(chat)


async def test_a_turn_of_another_model_is_not_taken_for_a_measurement(chatting: Open) -> None:
    async with chatting(ISTANBUL) as chat:
        await chat.say(QUESTION)
        reply = chat.nodes[-1]
        told = Told("Ankara", "Istanbul", "x")
        kept = await correcting.keep(chat.talk, reply, told, since=1, mark=None, late=True)
        assert kept.correction.before is None
        kept = await correcting.keep(chat.talk, reply, told, since=0, mark=None, late=True)
        assert kept.correction.before == "a" * 64


async def test_markup_in_the_reply_is_text(chatting: Open) -> None:
    evil = "[bold]It is [/nope] \x1b[2J Istanbul.[/]"
    async with chatting(Reply((evil,)), size=(40, 20)) as chat:
        await chat.say("[x] where?")
        await chat.press("ctrl+k")
        await opened(chat)
        await chat.press(*"[b")
        await chat.sees("[bold]It is")
        assert "\x1b" not in chat.text


def test_the_decisive_words_are_found() -> None:
    assert correcting.decisive("the capital of X is Y", "The capital of X is") == "Y"
    assert correcting.decisive("Y", "The capital of X is") == "Y"


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 20), (20, 8), (8, 4)])
async def test_it_opens_at_every_size(chatting: Open, size: tuple[int, int]) -> None:
    async with chatting(ISTANBUL, size=size) as chat:
        await chat.say(QUESTION)
        await chat.press("ctrl+k")
        await opened(chat)
        await chat.press(*"Ankara", "ctrl+s")
        await closed(chat)
        await chat.until(lambda: chat.screen.session.corrections, "the correction")
