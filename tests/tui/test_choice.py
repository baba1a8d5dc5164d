"""How a token was chosen: numbers that add up, a draw that anybody gets again, a panel to walk."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from chatapp.context.messages import Message
from chatapp.context.prompt import build_prompt
from chatapp.context.template import ChatTemplate
from chatapp.conversation import TurnFacts
from chatapp.engine.protocol import Alternative, Generate, Sampling, Token
from chatapp.engine.sampling import choose, logsumexp, most_probable
from chatapp.tui.choice import choice_of, piece, strip
from chatapp.tui.choice_rows import percent, reply_lines, rows
from chatapp.tui.widgets.choice_view import ChoiceView
from tests.scripted import TEMPLATE, Reply, ScriptedEngine, ToyTokenizer
from tests.tui.conftest import Chat, Open

VOCABULARY = 300
DRAWN = Sampling(temperature=0.8, top_k=3, seed=42, max_tokens=100)


def a_token(
    sampling: Sampling, position: int, text: str | None = None, seed: int = 1, count: int = 10
) -> Token:
    """A step as the engine would tell it, from made-up logits."""
    logits = np.random.default_rng(seed).standard_normal(VOCABULARY).astype(np.float32) * 2
    choice = choose(logits, sampling, recent=[3, 5, 8], seed=sampling.seed or 0, position=position)
    total = logsumexp(logits)
    return Token(
        text=f" w{choice.token}" if text is None else text,
        token=choice.token,
        logprob=float(logits[choice.token]) - total,
        share=choice.share,
        before=choice.before,
        draw=choice.draw,
        kept=choice.kept,
        alternatives=tuple(
            Alternative(
                token=int(n),
                text=f" w{n}",
                logprob=float(logits[n]) - total,
                share=choice.shares_of([int(n)])[0],
            )
            for n in most_probable(logits, count)
        ),
    )


def facts_of(sampling: Sampling, tokens: Sequence[Token] = ()) -> TurnFacts:
    messages = [Message("user", "Hi")]
    facts = TurnFacts(1, Generate(messages=messages, sampling=sampling), seed=sampling.seed)
    facts.count(build_prompt(messages, ChatTemplate(TEMPLATE), ToyTokenizer()))
    facts.vocabulary = VOCABULARY
    for token in tokens:
        facts.tokens.append(token)
    return facts


SAMPLINGS = st.builds(
    Sampling,
    temperature=st.sampled_from([0.0, 0.3, 1.0, 2.5]),
    top_k=st.sampled_from([0, 1, 12, 40]),
    top_p=st.sampled_from([0.5, 0.95, 1.0]),
    min_p=st.sampled_from([0.0, 0.05]),
    repeat_penalty=st.sampled_from([1.0, 1.3]),
    seed=st.integers(0, 2**40),
)


@given(SAMPLINGS, st.integers(1, 10), st.integers(1, 60), st.integers(0, 50))
def test_everything_adds_up(sampling: Sampling, most: int, width: int, seed: int) -> None:
    facts = facts_of(sampling)
    assert facts.prompt is not None
    facts.tokens.append(a_token(sampling, len(facts.prompt), seed=seed))
    choice = choice_of(facts, 0, most)
    assert choice is not None
    assert sum(option.taken for option in choice.options) == 1
    assert math.isclose(sum(o.probability for o in choice.options) + choice.rest, 1, abs_tol=1e-6)
    assert choice.rest_share is not None
    shares = sum(option.share or 0 for option in choice.options)
    assert math.isclose(shares + choice.rest_share, 1, abs_tol=1e-6)
    assert choice.others == VOCABULARY - len(choice.options)
    assert (choice.rest_kept == 0) == (choice.rest_share == 0)
    line = strip(choice, width)
    if sampling.temperature == 0:
        assert line is None
        assert choice.draw is None
    else:
        assert choice.draw is not None
        assert choice.draw.same
        assert choice.taken is not None
        assert line is not None
        cells, at = line
        assert len(cells) == width
        assert cells[at] == choice.taken.letter
        low, high = choice.stretch or (1.0, 0.0)
        assert low - 1e-9 <= choice.draw.value <= high + 1e-9


@given(SAMPLINGS, st.integers(16, 90), st.integers(4, 40))
def test_rows_fit_their_width(sampling: Sampling, width: int, height: int) -> None:
    facts = facts_of(sampling)
    assert facts.prompt is not None
    facts.tokens.append(a_token(sampling, len(facts.prompt), " \x1b[31m漢字🙂\n" * 9))
    lines = ["".join(text for text, _ in line) for line in rows(facts, 0, width, height)]
    assert all(cell_len(line) <= max(width, 24) for line in lines)
    assert not any("\x1b" in line or "\n" in line for line in lines)
    if width > 60 and height > 24:
        assert len(lines) <= height


@given(st.lists(st.text(max_size=40), max_size=30), st.integers(4, 60))
def test_the_reply_is_all_its_tokens_in_order(texts: list[str], width: int) -> None:
    lines = reply_lines(texts, width)
    assert [index for line in lines for index, _ in line] == list(range(len(texts)))
    assert all(sum(cell_len(text) + 1 for _, text in line) + 1 <= max(width, 4) for line in lines)


def test_percentages_are_never_rounded_to_certain_or_impossible() -> None:
    shown = [percent(share) for share in (1.0, 0.99996, 0.5, 0.0123, 0.0012, 0.00001, 0.0)]
    assert shown == ["100 %", ">99.9 %", "50.0 %", "1.2 %", "0.12 %", "<0.01 %", "0 %"]
    assert [piece(" a\tb\n"), piece("")] == ["␣a⇥b↵", "∅"]


# ── on the screen ───────────────────────────────────────────────────────────────────────────────


def reply_of(words: Sequence[str], sampling: Sampling, prompt: int) -> Reply:
    return Reply([a_token(sampling, prompt + n, text, n) for n, text in enumerate(words)])


WORDS = ("The", " capital", " is", " An", "kara", ".")


async def prompt_length(text: str) -> int:
    engine = ScriptedEngine()
    prompt = await engine.render([Message("user", text)])
    assert prompt is not None
    return len(prompt)


def panel(chat: Chat) -> ChoiceView:
    return chat.screen.query_one(ChoiceView)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_last_token_then_one_after_the_other(
    chatting: Open, size: tuple[int, int]
) -> None:
    position = await prompt_length("Where?")
    engine = ScriptedEngine(vocabulary=VOCABULARY)
    reply = reply_of(WORDS, DRAWN, position)
    tokens = list(reply.chunks)
    async with chatting(reply, size=size, engine=engine, sampling=DRAWN) as chat:
        await chat.say("Where?")
        assert engine.requests[0].alternatives == 10
        await chat.press("f7")
        await chat.sees("CHOICE", "how this token was chosen", "step 6 of 6", "│␣An│kara▐.▌")
        digest = hashlib.sha256(f"42:{position + 5}".encode()).hexdigest()
        last = tokens[-1]
        assert isinstance(last, Token)
        assert last.draw == (int(digest[:16], 16) >> 11) / 2**53
        await chat.sees(f'SHA-256("42:{position + 5}")', digest[:14], f"draw {last.draw:.6f}")
        await chat.sees("the same", "Seed 42", "others", "cut", f"of {VOCABULARY} tokens were left")
        await chat.press("left")
        await chat.sees("step 5 of 6", "▐kara▌")
        await chat.press("home")
        await chat.sees("step 1 of 6", "▐The▌")
        await chat.press("right", "right")
        total = sum(t.logprob or 0 for t in tokens[:3] if isinstance(t, Token))
        await chat.sees("step 3 of 6", f"so far {total:.3f}")
        await chat.press("end", "right")
        await chat.sees("step 6 of 6")
        await chat.press("f7")
        assert chat.screen.composer.has_focus
        await chat.sees_not("CHOICE")


async def test_the_token_that_ended_the_reply_is_the_last_step(chatting: Open) -> None:
    tokens = [a_token(DRAWN, 9 + n, text, n) for n, text in enumerate(WORDS)]
    end = replace(a_token(DRAWN, 9 + len(WORDS), "", 50), ends=True)
    async with chatting(Reply([*tokens, end]), sampling=DRAWN) as chat:
        await chat.say("Where?")
        assert chat.nodes[-1].content == "".join(WORDS)
        await chat.press("f7")
        await chat.sees("step 7 of 7", "▐⟨end of reply⟩▌", f"token {end.token}")
        await chat.sees("Why it stopped here")
        assert any(line.count("⟨end of reply⟩") and "%" in line for line in chat.lines)
        await chat.press("left")
        await chat.sees("step 6 of 7", "▐.▌⟨end of reply⟩│")
        await chat.sees_not("Why it stopped here")


async def test_a_click_goes_to_a_token(chatting: Open) -> None:
    async with chatting(reply_of(WORDS, DRAWN, 9), sampling=DRAWN) as chat:
        await chat.say("Where?")
        await chat.press("f7")
        await chat.sees("step 6 of 6")
        await chat.pilot.click("_Reply", offset=(6, 0))
        await chat.sees("step 2 of 6", "▐␣capital▌")


async def test_at_temperature_0_nothing_is_drawn(chatting: Open) -> None:
    greedy = Sampling(max_tokens=100)
    async with chatting(reply_of(WORDS, greedy, 9), sampling=greedy) as chat:
        await chat.say("Where?")
        await chat.press("f7")
        await chat.sees("No draw: temperature 0 takes the most probable token.", "100 %", "cut")


async def test_the_selected_message_is_the_one_that_is_shown(chatting: Open) -> None:
    replies = [reply_of(WORDS, DRAWN, 9), reply_of(("Yes", "!"), DRAWN, 30)]
    async with chatting(*replies, sampling=DRAWN) as chat:
        await chat.say("Where?")
        await chat.say("Sure?")
        await chat.press("f7")
        await chat.sees("turn 2 · step 2 of 2")
        await chat.press("ctrl+up", "ctrl+up", "ctrl+up")
        await chat.sees("turn 1 · step 6 of 6")
        await chat.press("ctrl+up")
        await chat.sees("turn 1 · step 6 of 6")


async def test_it_follows_a_reply_that_grows(chatting: Open) -> None:
    each = asyncio.Semaphore(0)
    reply = reply_of(WORDS, DRAWN, 9)
    reply.each = each
    async with chatting(reply, sampling=DRAWN) as chat:
        await chat.press("f7")
        await chat.sees("No reply yet")
        chat.screen.composer.focus()
        await chat.send("Where?")
        await chat.sees("Its first token will stand here")
        each.release()
        await chat.sees("step 1 of 1")
        each.release()
        await chat.sees("step 2 of 2")
        # Picked by hand, it stays while more comes.
        await chat.press("f7", "left")
        await chat.sees("step 1 of 2")
        for _ in WORDS:
            each.release()
        await chat.done()
        await chat.sees("step 1 of 6")


async def test_what_a_server_does_not_say_is_said_so(chatting: Open) -> None:
    async with chatting(Reply(("Hello", " you"))) as chat:
        await chat.say("Hi")
        await chat.press("f7")
        await chat.sees("Probabilities: not", "Piece 2")
    tokens = [
        Token(
            text="Hi",
            logprob=-0.5,
            alternatives=(Alternative(token=None, text="Hi", logprob=-0.5),),
        ),
        Token(text="!", logprob=-0.1),
    ]
    async with chatting(Reply(tokens)) as chat:
        await chat.say("Hi")
        await chat.press("f7", "home")
        await chat.sees("The draw: not revealed", "temperature and cuts: not revealed", "60.7 %")


async def test_no_markup_and_no_control_character_gets_through(chatting: Open) -> None:
    reply = reply_of(("[bold]", "\x1b[2J", "[/x]"), DRAWN, 9)
    async with chatting(reply, sampling=DRAWN) as chat:
        await chat.say("Hi")
        await chat.press("f7")
        await chat.sees("│[bold]│␛[2J▐[/x]▌")
        assert "\x1b" not in chat.text


async def test_the_tabs_lead_there_and_back(chatting: Open) -> None:
    async with chatting(reply_of(WORDS, DRAWN, 9), sampling=DRAWN) as chat:
        await chat.say("Hi")
        await chat.press("f7")
        await chat.sees("CHOICE")
        await chat.press("m")
        await chat.sees("MESSAGES", "what the model receives")
        await chat.press("c")
        await chat.sees("CHOICE", "step 6 of 6")
        await chat.press("f6")
        await chat.sees("MESSAGES")


async def test_the_switch_of_the_arithmetic_cache(chatting: Open) -> None:
    async with chatting() as chat:
        await chat.say("Hi")
        assert chat.engine.requests[0].reuse
        assert "cache: off" not in chat.text
        await chat.press("f9")
        await chat.sees("Arithmetic cache off", "cache: off")
        await chat.say("Again")
        assert not chat.engine.requests[1].reuse
        await chat.sees("afresh: the arithmetic cache is off")
        await chat.press("ctrl+n")
        await chat.say("New")
        assert not chat.engine.requests[2].reuse
        await chat.press("f9")
        await chat.sees_not("cache: off")
        await chat.say("More")
        assert chat.engine.requests[3].reuse
