"""For each fact: how probable is the right answer before, with the correction, and afterwards?"""

from __future__ import annotations

from chatapp.proofs.asking import Talk
from chatapp.proofs.evidence import Cell, Plot
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.facts import Fact
from chatapp.proofs.lab import Lab
from chatapp.proofs.odds import Odds, odds
from chatapp.proofs.record import Record

COLUMNS = [
    "fact",
    "answer in a new session",
    "answer with it in the transcript",
    "P(right) before",
    "P(right) told",
    "P(right) new session",
    "bits as before",
]


async def run(lab: Lab, record: Record) -> None:
    facts = [*lab.facts.corrections, *lab.facts.told]
    corrections = len(lab.facts.corrections)
    rows: list[list[Cell]] = []
    found: list[tuple[Fact, Odds, Odds, Odds]] = []
    followed = 0
    for number, fact in enumerate(facts):
        record.progress(number / len(facts), f"fact {number + 1} of {len(facts)}: {fact.question}")
        before = await odds(lab.engine, fact, [])
        session = Talk(lab.engine)
        if number < corrections:
            await session.say(fact.question)
        await session.say(fact.say)
        told = await odds(lab.engine, fact, session.messages)
        after = await odds(lab.engine, fact, [])
        follows = fact.answered(told.answer.text)
        followed += follows
        found.append((fact, before, told, after))
        rows.append(
            [
                fact.question,
                after.answer.text.strip(),
                told.answer.text.strip(),
                before.right,
                told.right,
                after.right,
                before.answer.bits == after.answer.bits and before.logits == after.logits,
            ]
        )
        if not number:
            record.sent("With the correction in the transcript", told.answer)
            record.sent("A new session: the transcript is not sent", after.answer)
            for title, one in (("with the correction", told), ("new session", after)):
                record.measured(f"{fact.id}: {title}", one.scores, one.prefix)
    record.table("What was in the transcript, and what was left of it", COLUMNS, rows)
    record.plot(
        Plot(
            title="How probable the right answer is",
            shape="bars",
            labels=[fact.right for fact, *_ in found],
            series={
                "before": [before.right for _, before, _, _ in found],
                "told in the session": [told.right for _, _, told, _ in found],
                "new session": [after.right for _, _, _, after in found],
            },
            unit="probability",
            log=True,
        )
    )
    for fact, before, told, after in found:
        record.same(
            f"{fact.question} A new session gives the distribution from before, to the bit.",
            before.logits,
            after.logits,
        )
        record.rose(
            f"{fact.question} In the session, “{fact.right}” became more probable.",
            before.right,
            told.right,
        )
        record.lacks(
            f"{fact.question} The new session does not answer it.", fact, after.answer.text
        )
    record.say(
        f"The model said the right answer in its own words for {followed} of {len(facts)} facts "
        "while they stood in the transcript. A small model does not follow every correction; its "
        "probabilities show what the words may hide."
    )


EXPERIMENT = Experiment(
    name="forgetting",
    title="A new session has forgotten",
    claim="A correction works while it stands in the transcript. A new session is not sent that "
    "transcript, so it answers as if nothing had been said, to the last bit.",
    run=run,
)
