"""Two turns answered differently: what differed in their inputs, and what if it had not?"""

from __future__ import annotations

from dataclasses import replace

from chatapp.context.messages import Message
from chatapp.engine.protocol import Generate, Sampling
from chatapp.proofs.asking import Answer, ask, user
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.inputs import Inputs, differences
from chatapp.proofs.lab import Lab
from chatapp.proofs.record import Record

QUESTION = "What should I do this weekend?"
_LENGTH = 28


async def run(lab: Lab, record: Record) -> None:
    weights = (await lab.setting()).sha256
    ready = await lab.engine.start()
    monday = Inputs(
        weights=weights,
        adapter=ready.adapter_sha256,
        scale=ready.adapter_scale,
        messages=[user(QUESTION)],
        sampling=Sampling(temperature=0.8, seed=1, max_tokens=_LENGTH),
    )
    tuesday = replace(
        monday,
        messages=[
            Message("system", "You are a sailor. You talk about the sea."),
            user("I like cooking."),
            Message("assistant", "Cooking is a fine thing."),
            user(QUESTION),
        ],
        sampling=Sampling(temperature=0.3, seed=2, max_tokens=_LENGTH),
    )
    # Each step makes one more input equal, until all are.
    system = [m for m in tuesday.messages if m.role == "system"]
    steps = {
        "as they were": monday,
        "the same system prompt": replace(monday, messages=[*system, *monday.messages]),
        "and the same transcript": replace(monday, messages=tuesday.messages),
        "and the same temperature": replace(
            monday,
            messages=tuesday.messages,
            sampling=replace(monday.sampling, temperature=tuesday.sampling.temperature),
        ),
        "and the same seed": tuesday,
    }

    async def answer(inputs: Inputs) -> Answer:
        request = Generate(messages=inputs.messages, sampling=inputs.sampling, hashes=True)
        return await ask(lab.engine, request)

    record.progress(0.0, "the second turn")
    second = await answer(tuesday)
    found: dict[str, Answer] = {}
    for number, (name, inputs) in enumerate(steps.items(), 1):
        record.progress(number / (len(steps) + 1), f"the first turn, {name}")
        found[name] = await answer(inputs)
    first = found["as they were"]

    record.sent("The first turn", first)
    record.sent("The second turn", second)
    changed = differences(monday, tuesday)
    record.table(
        "What differed",
        ["input", "first turn", "second turn"],
        [[d.name, str(d.one), str(d.other)] for d in changed],
        note="Weights and adapter are the same: nothing was learned in between.",
    )
    record.table(
        "Made equal, one after the other",
        ["first turn's inputs", "differences left", "its answer", "bits of the second turn"],
        [
            [
                name,
                ", ".join(d.name for d in differences(inputs, tuesday)) or "none",
                found[name].text.strip(),
                found[name].bits == second.bits,
            ]
            for name, inputs in steps.items()
        ],
    )
    record.differ("The same question was answered differently.", first.bits, second.bits)
    record.same(
        "What differed were inputs; the weights were the same.",
        ["seed", "system prompt", "temperature", "transcript"],
        sorted(d.name for d in changed),
    )
    last = found["and the same seed"]
    record.same(
        "With all inputs equal, the answers are equal, bit for bit.", second.bits, last.bits
    )


EXPERIMENT = Experiment(
    name="what-changed",
    title="It behaves differently today: what changed?",
    claim="When the same weights answer the same question differently, an input differed: the "
    "system prompt, the transcript, a setting or the seed. Made equal, the answers are equal.",
    run=run,
)
