"""Several processes on one file answer the same request at once, with the same bits."""

from __future__ import annotations

import asyncio

from chatapp.engine.protocol import Generate, Sampling
from chatapp.proofs.asking import ask, user
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.lab import Lab
from chatapp.proofs.record import Record

COPIES = 4
QUESTION = "Write the first line of a poem about rain."


async def run(lab: Lab, record: Record) -> None:
    record.progress(0.0, f"starting {COPIES} model processes on the same file")
    engines = [lab.another() for _ in range(COPIES)]
    await asyncio.gather(*(engine.start() for engine in engines))
    processes = [engine.pid for engine in engines]
    record.progress(0.3, f"{COPIES} processes answer the same request at once")
    sampling = Sampling(temperature=0.8, seed=11, max_tokens=24)
    request = Generate(messages=[user(QUESTION)], sampling=sampling, hashes=True)
    answers = await asyncio.gather(*(ask(engine, request) for engine in engines))
    record.progress(0.9, "comparing")
    record.sent("What each of them was sent", answers[0])
    record.table(
        "Who answered what",
        ["copy", "process", "answer", "last distribution, SHA-256"],
        [
            [n, pid, one.text.strip(), one.hashes[-1] if one.hashes else None]
            for n, (pid, one) in enumerate(zip(processes, answers, strict=True), 1)
        ],
    )
    record.same("They were different processes.", COPIES, len(set(processes)))
    for number, one in enumerate(answers[1:], 2):
        record.same(f"Copy {number} gave the tokens and bits of copy 1.", answers[0].bits, one.bits)
    record.say(
        "A provider runs thousands of such copies. None of them is “the one you talked to”, and "
        "none needs to be: everything it knows of your conversation comes with the request."
    )


EXPERIMENT = Experiment(
    name="copies",
    title="Many copies, one function",
    claim="Several processes on the same weight file answer the same request with identical bits: "
    "none of them is the one that you talked to.",
    run=run,
)
