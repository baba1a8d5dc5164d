"""A reply cut after any of its tokens goes on as if nothing had happened."""

from __future__ import annotations

from dataclasses import replace

from chatapp.engine.protocol import Generate, Sampling
from chatapp.proofs.asking import ask, user
from chatapp.proofs.evidence import Cell
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.lab import Lab
from chatapp.proofs.record import Record, Untested

QUESTION = "Explain in one sentence why the sea is salty."
LENGTH = 16


async def run(lab: Lab, record: Record) -> None:
    request = Generate(messages=[user(QUESTION)], sampling=Sampling(max_tokens=LENGTH), hashes=True)
    record.progress(0.0, "the whole reply")
    whole = await ask(lab.engine, request)
    if len(whole.ids) < 3:
        raise Untested("the model ended its reply after fewer than three tokens.")
    other = lab.another()
    rows: list[list[Cell]] = []
    equal = 0
    cuts = range(1, len(whole.ids))
    for cut in cuts:
        record.progress(cut / len(whole.ids), f"cut after token {cut} of {len(whole.ids)}")
        left = replace(request.sampling, max_tokens=LENGTH - cut)
        rest = await ask(other, replace(request, begun=whole.ids[:cut], sampling=left))
        same = rest.bits == whole.bits[cut:]
        equal += same
        begun = "".join(token.text for token in whole.tokens[:cut])
        rows.append([cut, begun + " ▸", "".join(token.text for token in rest.tokens), same])
    record.sent("The whole reply", whole)
    record.table(
        "Cut, and sent to another process that never saw the rest",
        ["tokens sent along", "the reply so far", "what came next", "bits equal"],
        rows,
    )
    record.same(
        "Cut after any token, the reply went on identically, bit for bit.", len(cuts), equal
    )
    tokens = len(whole.ids)
    record.say(
        f"The network ran once for each of the {tokens} tokens. Between two runs nothing is kept "
        "but the text so far; no plan for the sentence is hidden anywhere."
    )


EXPERIMENT = Experiment(
    name="one-token-at-a-time",
    title="One token at a time",
    claim="A reply is made one token at a time, each from the text so far and nothing else: cut "
    "anywhere and sent again, it goes on identically.",
    run=run,
)
