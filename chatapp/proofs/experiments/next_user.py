"""Two people, the same weights, at once: what one says changes nothing for the other."""

from __future__ import annotations

import asyncio

from chatapp.proofs.asking import Talk
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.lab import Lab
from chatapp.proofs.odds import odds
from chatapp.proofs.record import Record


async def run(lab: Lab, record: Record) -> None:
    fact = (lab.facts.corrections or lab.facts.told)[0]
    record.progress(0.0, "the second person asks before")
    before = await odds(lab.engine, fact, [])
    first, other = Talk(lab.engine), lab.another()
    await other.start()
    await first.say(fact.question)
    record.progress(0.3, "the first person corrects the model, the second one's request waits")
    # One process answers one request at a time: this one is next in line.
    _, behind = await asyncio.gather(first.say(fact.say), odds(lab.engine, fact, []))
    record.progress(0.6, "both ask at the same moment, the second one another process")
    told, meanwhile = await asyncio.gather(
        odds(lab.engine, fact, first.messages), odds(other, fact, [])
    )
    record.progress(0.9, "the second person asks afterwards")
    after = await odds(lab.engine, fact, [])

    record.sent("The first person's request, with the correction", told.answer)
    record.sent("The second person's request, afterwards", after.answer)
    times = {
        "before": before,
        "right behind the correction, in the same process": behind,
        "at the same moment, in another process": meanwhile,
        "after": after,
    }
    record.table(
        f"The second person asks: {fact.question}",
        ["when", "answer", "P(right)", "SHA-256 of the distribution"],
        [[when, one.answer.text.strip(), one.right, one.logits] for when, one in times.items()],
        note=f"For the first person, with the correction in the transcript: {told.right:.3g}",
    )
    for when, one in list(times.items())[1:]:
        record.same(
            f"{when.capitalize()}, the second person gets the same tokens and bits as before.",
            [*before.answer.bits, before.logits],
            [*one.answer.bits, one.logits],
        )
    record.differ(
        "For the first person, whose transcript holds the correction, the bits are others.",
        before.logits,
        told.logits,
    )
    record.rose(
        f"For the first person “{fact.right}” became more probable.", before.right, told.right
    )


EXPERIMENT = Experiment(
    name="next-user",
    title="The next person gets the old answer",
    claim="When one person corrects the model, another person who uses the same weights at the "
    "same time gets the same answer as before, to the last bit.",
    run=run,
)
