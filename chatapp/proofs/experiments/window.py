"""With a small window an early fact falls out, and is gone within the session."""

from __future__ import annotations

import math
from dataclasses import replace

from chatapp.conversation import Conversation, ViewMoved
from chatapp.engine.protocol import Generate, Sampling, Score
from chatapp.proofs.asking import ask
from chatapp.proofs.evidence import Cell, Plot
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.lab import Lab
from chatapp.proofs.odds import continuations
from chatapp.proofs.record import Record

WINDOW = 320
SMALL_TALK = (
    "Thank you. Name a river.",
    "Name a mountain.",
    "Name a flower, and say where it grows.",
    "Name a bird, and say what it eats.",
    "Name a city by the sea.",
    "Name a musical instrument, and say how it is played.",
    "Name a metal.",
    "Name a kind of cheese.",
    "Name a dance.",
    "Name a tree, and say where it grows.",
    "Name a sport, and say how it is played.",
    "Name a planet, and say what it looks like.",
    "Name a fruit, and say what it tastes like.",
    "Name a fish, and say where it lives.",
)
_AFTERWARDS = 2


async def run(lab: Lab, record: Record) -> None:
    fact = lab.facts.told[0]
    engine = lab.another(change=lambda options: replace(options, window=WINDOW))
    await engine.start()
    chat = Conversation(
        engine,
        await lab.counter(engine),
        # Replies of one sentence, and room enough behind them for the question.
        sampling=Sampling(max_tokens=80, stop=(".", "\n")),
        policy="drop-oldest",
    )
    rows: list[list[Cell]] = []
    chances: list[float] = []
    moved_at: int | None = None
    inside = outside = None
    for turn, line in enumerate((fact.say, *SMALL_TALK), 1):
        record.progress((turn - 1) / (len(SMALL_TALK) + 1), f"turn {turn}")
        moved = False
        async for step in chat.send(line):
            moved = moved or isinstance(step, ViewMoved)
        messages = chat.messages(fact.question)
        known = any(fact.right in message.content for message in messages)
        scores = await engine.score(
            Score(messages=messages, prefix=fact.prefix, continuations=continuations(fact)[:1])
        )
        chances.append(math.exp(scores.scores[0].logprob))
        answer = None
        if known or outside is None:
            answer = await ask(
                engine, Generate(messages=messages, sampling=Sampling(max_tokens=28))
            )
            inside, outside = (answer, outside) if known else (inside, answer)
        first = len(chat.nodes) - len(chat.view.visible(chat.nodes))
        rows.append(
            [
                turn,
                line,
                len(scores.prompt),
                first // 2 + 1,
                known,
                chances[-1],
                answer.text.strip() if answer else None,
            ]
        )
        moved_at = turn if moved and moved_at is None else moved_at
        if outside is not None and not known and turn >= (moved_at or turn) + _AFTERWARDS:
            break

    record.table(
        f"Asked after every turn, in a window of {WINDOW} tokens: {fact.question}",
        [
            "turn",
            "said",
            "tokens sent with the question",
            "view begins at turn",
            "the fact is sent",
            "P(right)",
            "answer",
        ],
        rows,
        note="The question is asked aside: it does not join the transcript.",
    )
    record.plot(
        Plot(
            title=f"How probable “{fact.right}” is, turn by turn",
            shape="lines",
            labels=[f"turn {n + 1}" for n in range(len(chances))],
            series={"P(right)": chances},
            unit="probability",
            log=True,
            mark=f"turn {moved_at}" if moved_at else None,
            mark_says="the model's view begins later from here on",
        )
    )
    record.check(
        "The transcript outgrew the window, and the oldest turns left the model's view.",
        moved_at is not None and outside is not None,
        expected="a line where the view begins",
        found=f"turn {moved_at}" if moved_at else "no such line",
    )
    if inside is None or outside is None:
        return
    record.sent("The fact is still in the window", inside)
    record.sent("The fact has left the window, in the same session", outside)
    record.answers("While the fact is in the window, the model answers from it.", fact, inside.text)
    record.lacks(
        "Once it has left the window, the model does not know it, in the same session.",
        fact,
        outside.text,
    )
    before = [chance for row, chance in zip(rows, chances, strict=True) if row[4]]
    after = [chance for row, chance in zip(rows, chances, strict=True) if not row[4]]
    record.check(
        f"“{fact.right}” was far more probable at every turn before than at any turn after.",
        min(before) > 10 * max(after),
        expected=f"less than a tenth of {min(before):.3g}",
        found=f"{max(after):.3g}",
    )


EXPERIMENT = Experiment(
    name="window",
    title="The window is finite",
    claim="Only what is in the window is sent. When an early fact falls out of it, the model stops "
    "knowing it, within the same session.",
    run=run,
)
