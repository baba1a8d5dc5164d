"""What each kind of step does, and what comes of it. The stage does it; the numbers are taken here,
so that they are the same headless and on the screen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from chatapp.context.messages import Message
from chatapp.conversation import Conversation, Node
from chatapp.conversation.corrections import Correction, prefix_of
from chatapp.engine.client import LocalEngine
from chatapp.engine.interface import Engine
from chatapp.engine.protocol import Score
from chatapp.errors import ChatappError
from chatapp.lessons.bringing import bring
from chatapp.lessons.outcome import Outcome, Value, of_answer, of_turn
from chatapp.lessons.play import Play
from chatapp.lessons.stage import Stage
from chatapp.lessons.steps import (
    AnotherPerson,
    Ask,
    Attach,
    Correct,
    Expect,
    Measure,
    NewSession,
    Prove,
    Raw,
    Retrieve,
    SavedNotes,
    Say,
    Settings,
    Show,
    Step,
    Summary,
    SwitchTo,
)
from chatapp.lessons.views import view_of
from chatapp.lessons.words import words_of
from chatapp.proofs.facts import Fact
from chatapp.proofs.odds import continuations

_WORDS: Final = (Say, Expect, Summary)


def acts(step: Step) -> bool:
    """Whether a step does something, rather than say or ask it."""
    return not isinstance(step, _WORDS)


async def take(step: Step, stage: Stage, play: Play) -> Outcome:
    """Do what ``step`` says. Raises ``ChatappError`` if it cannot be done."""
    match step:
        case Ask():
            return await _turn(stage, step.ask, step.measure)
        case Correct():
            return await _correct(stage, step, play)
        case Raw():
            answer = await stage.raw(step.raw)
            said = [Message("user", step.raw)]
            engine = stage.conversation.engine
            odds = await _odds(engine, said, step.measure, plain=True)
            return of_answer(answer, step.raw, odds)
        case NewSession():
            await stage.open_session(step.new_session, person=False)
        case AnotherPerson():
            await stage.open_session(step.another_person, person=True)
        case SwitchTo():
            await stage.switch(step.switch)
        case Attach() | Retrieve():
            return await bring(step, stage, play.lesson)
        case SavedNotes():
            await stage.save_notes(step.notes)
        case Settings():
            await stage.change(step)
        case Show():
            outcome = await view_of(step.show, stage, words_of(play.lesson.language))
            await stage.show(step.show, outcome)
            return outcome
        case Prove():
            evidence = await stage.prove(step.prove, step.facts)
            checks = evidence.checks
            return Outcome(
                evidence=evidence,
                values={
                    "verdict": evidence.verdict,
                    "checks": len(checks),
                    "checks_held": sum(check.held for check in checks),
                },
            )
    return Outcome()


async def _turn(stage: Stage, text: str, measure: Measure | None) -> Outcome:
    reply = _whole(await stage.send(text))
    assert reply.facts is not None
    outcome = of_turn(text, reply)  # before anything else is asked: the prompt is kept till then
    engine = stage.conversation.engine
    odds = await _odds(engine, reply.facts.messages, measure)
    return replace(outcome, values={**outcome.values, **odds})


async def _correct(stage: Stage, step: Correct, play: Play) -> Outcome:
    wrong = play.outcomes[step.of]
    reply = _reply(stage.conversation, wrong.text)
    assert reply.facts is not None
    correction = Correction(
        context=reply.facts.messages,
        reply=reply,
        wrong=step.wrong,
        right=step.correct,
        said=step.send,
        prefix=prefix_of(reply.content, step.wrong),
    )
    return of_turn(step.send, _whole(await stage.correct(correction)))


def _reply(conversation: Conversation, text: str) -> Node:
    for node in reversed(conversation.nodes):
        if node.role == "assistant" and node.content == text and node.facts is not None:
            return node
    raise ChatappError("The answer that this step corrects is not in this session.")


def _whole(reply: Node) -> Node:
    if reply.status == "failed":
        raise ChatappError(reply.note)
    return reply


async def _odds(
    engine: Engine, messages: Sequence[Message], measure: Measure | None, *, plain: bool = False
) -> dict[str, Value]:
    """``p_right`` and ``p_wrong`` behind these messages; nothing where an engine cannot score."""
    if measure is None or not isinstance(engine, LocalEngine):
        return {}
    fact = Fact(
        id="",
        question="",
        sentence="",
        say="",
        right=measure.right,
        wrong=measure.wrong,
        prefix=measure.prefix,
    )
    scores = await engine.score(
        Score(
            messages=messages, prefix=measure.prefix, continuations=continuations(fact), plain=plain
        )
    )
    found = [math.exp(one.logprob) for one in scores.scores]
    return dict(zip(("p_right", "p_wrong"), found, strict=False))
