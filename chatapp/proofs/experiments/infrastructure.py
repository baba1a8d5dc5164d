"""An ordinary prefix cache gives other bits, depending on what was asked before."""

from __future__ import annotations

from dataclasses import replace

from chatapp.context.messages import Message
from chatapp.engine.client import LocalEngine
from chatapp.engine.protocol import Generate, Sampling
from chatapp.proofs.asking import Answer, Talk, ask, user
from chatapp.proofs.evidence import Cell
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.lab import Lab
from chatapp.proofs.record import Record

TALKS = (
    ("Describe a storm at sea.", "And a calm day?"),
    ("What is the largest planet?", "Are you sure? Why?"),
    ("How do I boil an egg?", "And how do I fry it?"),
)
_FIRST = Sampling(max_tokens=24)
_SECOND = Sampling(max_tokens=32)


async def run(lab: Lab, record: Record) -> None:
    ordinary = lab.another(change=lambda options: replace(options, ordinary=True))
    rows: list[list[Cell]] = []
    counts = {"ordinary": [0, 0], "canonical": [0, 0]}
    for number, (first, second) in enumerate(TALKS):
        record.progress(number / len(TALKS), f"conversation {number + 1} of {len(TALKS)}")
        opening = Talk(lab.engine, _FIRST)
        await opening.say(first)
        request = Generate(
            messages=[*opening.messages, user(second)],
            sampling=_SECOND,
            hashes=True,
        )
        row: list[Cell] = [f"{first} … {second}"]
        for name, engine in (("ordinary", ordinary), ("canonical", lab.engine)):
            one, other = await _both(engine, opening.messages[:1], request)
            same_bits, same_words = one.bits == other.bits, one.text == other.text
            counts[name][0] += same_bits
            counts[name][1] += same_words
            row += [same_bits, same_words]
            if name == "ordinary" and not same_words:
                record.sent("Ordinary cache, asked within its conversation", one)
                record.sent("Ordinary cache, the same request asked after something else", other)
        rows.append(row)
    record.table(
        "The same request, asked right after its conversation and asked after another one",
        [
            "conversation",
            "ordinary cache: bits equal",
            "words equal",
            "canonical: bits equal",
            "words equal",
        ],
        rows,
        note="Temperature 0, the same weights, one request at a time. The ordinary cache is the "
        "same program with another rule: it reuses what it generated.",
    )
    total = len(TALKS)
    record.check(
        "With an ordinary prefix cache, bits depend on what was asked before.",
        counts["ordinary"][0] < total,
        expected=f"fewer than {total} of {total} equal",
        found=f"{counts['ordinary'][0]} of {total} equal",
    )
    record.same(
        "With canonical evaluation they never do.", f"{total} of {total}",
        f"{counts['canonical'][0]} of {total}",
    )  # fmt: skip
    record.say(
        f"The ordinary cache changed the words in {total - counts['ordinary'][1]} of {total} "
        "conversations. Nothing was learned: sums of floating-point numbers were made in another "
        "order. Hosted models use such caches, and answer many requests in shared batches, which "
        "changes the order as well; so they can differ from call to call at temperature 0."
    )


async def _both(
    engine: LocalEngine, opening: list[Message], request: Generate
) -> tuple[Answer, Answer]:
    """The answer right after its own conversation, and after an unrelated request."""
    await ask(engine, Generate(messages=opening, sampling=_FIRST))
    one = await ask(engine, request)
    await ask(engine, Generate(messages=[user("Say hello.")], sampling=Sampling(max_tokens=4)))
    return one, await ask(engine, request)


EXPERIMENT = Experiment(
    name="infrastructure",
    title="Different answers, same weights",
    claim="At temperature 0 the same weights can still answer differently, by the order in which "
    "sums are made and not by learning: an ordinary prefix cache does, canonical evaluation never.",
    run=run,
)
