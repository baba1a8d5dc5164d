"""The tokens of a reply are kept whole, and small."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.conversation import Conversation
from chatapp.conversation.steps import Steps
from chatapp.engine.counter import Counter
from chatapp.engine.protocol import Alternative, Token
from tests.scripted import Reply, ScriptedEngine

NUMBERS = st.none() | st.floats(allow_nan=False)
IDS = st.none() | st.integers(0, 2**40)
OTHERS = st.builds(
    Alternative,
    token=IDS,
    text=st.text(max_size=8),
    logprob=st.floats(allow_nan=False),
    share=NUMBERS,
)
TOKENS = st.builds(
    Token,
    text=st.text(max_size=8),
    token=IDS,
    logprob=NUMBERS,
    share=NUMBERS,
    before=NUMBERS,
    draw=NUMBERS,
    kept=IDS,
    alternatives=st.lists(OTHERS, max_size=4).map(tuple),
    ends=st.sampled_from([None, True]),
)


@given(st.lists(TOKENS, max_size=8))
def test_what_goes_in_comes_out(tokens: list[Token]) -> None:
    steps = Steps(tokens)
    assert list(steps) == tokens
    assert steps[1:] == tokens[1:]
    assert steps[::-2] == tokens[::-2]
    if tokens:
        assert steps[-1] == tokens[-1]
    with pytest.raises(IndexError):
        steps[len(tokens)]


def test_the_running_sum_leaves_out_text_that_was_held_back() -> None:
    steps = Steps([Token(text="a", token=1, logprob=-1.0), Token(text="b", token=2, logprob=-0.5)])
    assert [steps.logprob(n) for n in (0, 1, 2)] == [None, -1.0, -1.5]
    steps.append(Token(text="rest"))
    assert steps.logprob(3) == -1.5
    assert Steps([Token(text="a"), Token(text="b", logprob=-1.0)]).logprob(2) is None


def test_the_token_that_ended_the_reply_is_known() -> None:
    end = Token(text="", token=2, logprob=-0.25, ends=True)
    steps = Steps([Token(text="a", token=1, logprob=-1.0), end])
    assert steps.ending == {1}
    assert (steps[0].ends, steps[1]) == (None, end)
    assert steps.logprob(2) == -1.25


def test_a_number_beyond_all_numbers_is_none() -> None:
    assert Steps([Token(text="a", token=2**80)])[0].token is None


def test_a_thousand_turns_stay_small() -> None:
    def token(n: int) -> Token:
        others = tuple(
            Alternative(
                token=n * 7 % 50_000 + k, text=f" w{n % 500 + k}", logprob=-k / 7, share=k / 99
            )
            for k in range(10)
        )
        return Token(text=f" w{n}", token=n, logprob=-n / 3, share=0.5, kept=9, alternatives=others)

    turns = [[token(turn * 30 + n) for n in range(30)] for turn in range(100)]
    texts = [Steps(tokens) for tokens in turns]  # each text is kept once, for all turns
    tracemalloc.start()
    try:
        kept = [Steps(tokens) for tokens in turns]
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(kept) == len(texts) == 100
    # As objects, 3,000 tokens with 10 alternatives take 7 MB.
    assert used < 2e6


async def test_a_turn_keeps_its_tokens_and_each_answer_its_own() -> None:
    first = [Token(text="Hi", token=5, logprob=-0.1), Token(text="!", token=6, logprob=-0.2)]
    engine = ScriptedEngine([Reply(first), Reply(("Hello",))], vocabulary=500)
    talk = Conversation(engine, Counter(engine, None), alternatives=7, reuse=False)
    async for _ in talk.send("Hello"):
        pass
    reply = talk.nodes[-1]
    async for _ in talk.regenerate(reply):
        pass
    assert [request.alternatives for request in engine.requests] == [7, 7]
    assert [request.reuse for request in engine.requests] == [False, False]
    assert reply.facts is not None
    assert list(reply.facts.tokens) == first
    assert reply.facts.vocabulary == 500
    assert [token.text for token in talk.turns[1].tokens] == ["Hello"]
