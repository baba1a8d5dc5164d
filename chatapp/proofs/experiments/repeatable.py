"""Same prompt, same settings, same seed: same tokens, whatever happens around it."""

from __future__ import annotations

from dataclasses import replace

from chatapp.engine.protocol import Generate, Sampling
from chatapp.proofs.asking import Answer, Talk, ask, user
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.lab import Lab
from chatapp.proofs.record import Record

SETTINGS = Sampling(temperature=0.9, top_k=0, top_p=1.0, min_p=0.02, seed=7, max_tokens=32)
QUESTION = "Invent a name for a café on the moon, and say why it fits."
SEEDS = range(8, 13)


async def run(lab: Lab, record: Record) -> None:
    request = Generate(messages=[user(QUESTION)], sampling=SETTINGS, hashes=True)
    found: dict[str, Answer] = {}
    record.progress(0.0, "the first answer")
    first = await ask(lab.engine, request)
    found["again, in the same process"] = await ask(lab.engine, request)
    record.progress(0.2, "with the arithmetic cache switched off")
    found["with the arithmetic cache off"] = await ask(lab.engine, replace(request, reuse=False))
    record.progress(0.3, "after another conversation")
    await Talk(lab.engine).say("Tell me about the moon.")
    found["after another conversation"] = await ask(lab.engine, request)
    record.progress(0.4, "in a new process")
    found["in a new process"] = await ask(lab.another(), request)
    others = []
    for number, seed in enumerate(SEEDS):
        record.progress(0.6 + 0.4 * number / len(SEEDS), f"with seed {seed}")
        others.append(
            await ask(lab.engine, replace(request, sampling=replace(SETTINGS, seed=seed)))
        )

    record.sent(f"Seed {SETTINGS.seed}", first)
    record.table(
        "The same seed",
        ["when", "answer", "bits equal"],
        [["at first", first.text.strip(), None]]
        + [[when, one.text.strip(), one.bits == first.bits] for when, one in found.items()],
    )
    record.table(
        "Other seeds",
        ["seed", "answer", "first distribution equal"],
        [
            [seed, one.text.strip(), one.first == first.first]
            for seed, one in zip(SEEDS, others, strict=True)
        ],
        note="Another seed draws other tokens from the same distribution.",
    )
    for when, one in found.items():
        record.same(f"Same seed, {when}: the same tokens and bits.", first.bits, one.bits)
    texts = {one.text for one in [first, *others]}
    record.check(
        "Other seeds gave other words.",
        len(texts) > len(SEEDS) // 2,
        expected="several answers",
        found=f"{len(texts)} different ones of {len(others) + 1}",
    )
    record.same(
        "Whatever the seed, the distribution of the first token is the same, bit for bit.",
        {first.first},
        {one.first for one in others},
    )


EXPERIMENT = Experiment(
    name="repeatable",
    title="Same in, same out",
    claim="The same prompt with the same settings and the same seed gives the same answer, token "
    "for token. What looks like a mood is the seed.",
    run=run,
)
