"""In context, fine-tuned, another version: the same fact by each way that there is here."""

from __future__ import annotations

from typing import Final

from chatapp.errors import ChatappError
from chatapp.proofs import ways
from chatapp.proofs.asking import Talk
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.lab import Lab
from chatapp.proofs.odds import Odds, odds
from chatapp.proofs.record import Record, Untested

_MOST: Final = 3
"""Adapters that are tried, the newest first."""


async def run(lab: Lab, record: Record) -> None:
    if not lab.facts.corrections:
        raise Untested("the file of facts holds no [[correction]].")
    if lab.options.adapter is not None:
        raise Untested("it begins with the base alone: take the adapter away.")
    fact = lab.facts.corrections[0]
    sha256 = await lab.file_hash()
    record.progress(0.0, f"nothing done: {fact.question}")
    before = await odds(lab.engine, fact, [])
    record.progress(0.2, "in context")
    session = Talk(lab.engine)
    await session.say(fact.question)
    await session.say(fact.say)
    told = await odds(lab.engine, fact, session.messages)
    rows = [ways.nothing(before), ways.in_context(before, told)]
    record.progress(0.5, "fine-tuned")
    tuned, learnt = await _fine_tuned(lab, sha256)
    rows += tuned
    record.progress(0.8, "another model version")
    rows.append(await ways.another_version(lab, fact))
    after = await odds(lab.engine, fact, [])
    record.say(f"{fact.question} Right: {fact.right}.")
    ways.show(record, rows)
    record.sent("Nothing done: a new session", before.answer)
    record.sent("In context", told.answer)
    record.measured("nothing done", before.scores, before.prefix)
    record.measured("in context", told.scores, told.prefix)
    for name, one in learnt.items():
        record.sent(f"A new session with {name}", one.answer)
        record.measured(f"with {name}", one.scores, one.prefix)
    record.rose(
        f"With the correction in the context, “{fact.right}” is more probable.",
        before.right,
        told.right,
    )
    record.same(
        "After all that, a new session with the base alone gives the bits from before.",
        [*before.answer.bits, before.logits],
        [*after.answer.bits, after.logits],
    )
    record.same("The weight file is the same.", sha256, await lab.file_hash())


async def _fine_tuned(lab: Lab, sha256: str) -> tuple[list[ways.Way], dict[str, Odds]]:
    """A row for each adapter here, and what was measured; each may know the fact or not."""
    fact = lab.facts.corrections[0]
    rows: list[ways.Way] = []
    found: dict[str, Odds] = {}
    for path, told in ways.accepted_beside(lab.weights, sha256)[:_MOST]:
        name = f"fine-tuned: {path.parent.name}"
        engine = ways.with_adapter(lab, path)
        try:
            learnt = found[path.parent.name] = await odds(engine, fact, [])
        except ChatappError as error:
            rows.append(ways.Way(name=name, right=None, cost=f"not measured: {error}"))
            continue
        finally:
            await engine.close()
        seconds = (told.get("training") or {}).get("seconds")
        rows.append(ways.fine_tuned(name, learnt.right, path, seconds))
    if not rows:
        cost = "no accepted adapter of these weights is here; “make loop” shows one being made"
        rows.append(ways.Way(name="fine-tuned", right=None, cost=cost))
    return rows, found


EXPERIMENT: Final = Experiment(
    name="three-ways",
    title="Three ways to new information",
    claim="New information reaches an answer through the context, through an adapter trained on "
    "it, or through another model. In the context it costs tokens on every turn and ends with the "
    "session; the other two are other files, and these weights stay as they are.",
    run=run,
)
