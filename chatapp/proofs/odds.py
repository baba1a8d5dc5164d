"""How probable the right and the wrong answer are behind a transcript, and what is answered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chatapp.context.messages import Message
from chatapp.engine.client import LocalEngine
from chatapp.engine.protocol import Generate, Sampling, Score, Scores
from chatapp.proofs.asking import GREEDY, Answer, ask, user
from chatapp.proofs.facts import Fact


@dataclass(frozen=True, slots=True)
class Odds:
    """``right`` and ``wrong`` are probabilities behind the fact's prefix (None: not measured).

    ``answer`` is the reply to the question, ``logits`` the hash of the distribution behind the
    prefix, ``prefix`` its tokens.
    """

    answer: Answer
    scores: Scores
    right: float
    wrong: float | None
    prefix: tuple[int, ...]

    @property
    def logits(self) -> str:
        return self.scores.logits


async def odds(
    engine: LocalEngine,
    fact: Fact,
    before: Sequence[Message],
    sampling: Sampling = GREEDY,
) -> Odds:
    """Ask the fact's question behind ``before``, and weigh its right and wrong answer."""
    messages = [*before, user(fact.question)]
    answer = await ask(engine, Generate(messages=messages, sampling=sampling, hashes=True))
    scores = await engine.score(
        Score(messages=messages, prefix=fact.prefix, continuations=continuations(fact))
    )
    wrong = math.exp(scores.scores[1].logprob) if fact.wrong else None
    right = math.exp(scores.scores[0].logprob)
    return Odds(answer, scores, right, wrong, tuple(scores.prefix))


def continuations(fact: Fact) -> list[str]:
    """The right answer and the wrong one, as they would follow the prefix."""
    space = " " if fact.prefix and not fact.prefix[-1].isspace() else ""
    return [space + answer for answer in (fact.right, fact.wrong) if answer]
