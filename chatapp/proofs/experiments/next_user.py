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
    first = Talk(lab.engine)
    await first.say(fact.question)
    record.progress(0.3, "the first person corrects the model, while the second one asks")
    corrected, during = await asyncio.gather(first.say(fact.say), odds(lab.engine, fact, []))
    record.progress(0.6, "the first person asks again, while the second one asks")
    told, meanwhile = await asyncio.gather(
        odds(lab.engine, fact, first.messages), odds(lab.engine, fact, [])
    )
    record.progress(0.9, "the second person asks afterwards")
    after = await odds(lab.engine, fact, [])

    record.sent("The first person's request, with the correction", told.answer)
    record.sent("The second person's request, afterwards", after.answer)
    times = {
        "before": before,
        "while the first corrects": during,
        "while the first asks again": meanwhile,
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
    record.check(
        f"For the first person “{fact.right}” became more probable.",
        told.right > before.right,
        expected=f"more than {before.right:.3g}",
        found=f"{told.right:.3g}",
    )
    record.check(
        "The model answered the correction itself.", bool(corrected.text.strip()), found="a reply"
    )


EXPERIMENT = Experiment(
    name="next-user",
    title="The next person gets the old answer",
    claim="When one person corrects the model, another person who uses the same weights at the "
    "same time gets the same answer as before, to the last bit.",
    run=run,
)
