"""Something after the training: not known, answered all the same; pasted in, and gone again."""

from __future__ import annotations

import math
from dataclasses import replace

from chatapp.proofs.evidence import Cell, Plot
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.facts import Fact
from chatapp.proofs.lab import Lab
from chatapp.proofs.odds import Odds, odds
from chatapp.proofs.record import Record, Untested


async def run(lab: Lab, record: Record) -> None:
    facts = lab.facts.news
    if not facts:
        raise Untested("the file of facts holds no [[news]].")
    rows: list[list[Cell]] = []
    found: list[tuple[Odds, Odds, Odds]] = []
    for number, fact in enumerate(facts):
        record.progress(number / len(facts), fact.question)
        before = await odds(lab.engine, fact, [])
        # The text stands in the same message: that is what pasting is.
        pasted = await odds(lab.engine, _with(fact), [])
        after = await odds(lab.engine, fact, [])
        found.append((before, pasted, after))
        rows.append(
            [
                fact.question,
                before.answer.text.strip(),
                confidence(before),
                pasted.answer.text.strip(),
                after.answer.text.strip(),
                before.answer.bits == after.answer.bits,
            ]
        )
        if not number:
            record.sent("Without the text", before.answer)
            record.sent("With the text pasted in", pasted.answer)
    record.table(
        "After the training",
        [
            "question",
            "answer",
            "mean probability of its tokens",
            "answer with the text pasted in",
            "new session",
            "bits as before",
        ],
        rows,
        note="No warning light goes on: the answer that is wrong comes as fluently as any other.",
    )
    record.plot(
        Plot(
            title="How probable the right answer is",
            shape="bars",
            labels=[fact.right for fact in facts],
            series={
                "before": [before.right for before, _, _ in found],
                "pasted in": [pasted.right for _, pasted, _ in found],
                "new session": [after.right for _, _, after in found],
            },
            unit="probability",
            log=True,
        )
    )
    for fact, (before, pasted, after) in zip(facts, found, strict=True):
        record.check(
            f"{fact.question} By itself the model answers, and wrongly.",
            bool(before.answer.text.strip()) and not fact.answered(before.answer.text),
            expected=f"not {fact.right}",
            found=before.answer.text.strip(),
        )
        record.answers(
            f"{fact.question} With the text pasted in, it answers from the text.",
            fact,
            pasted.answer.text,
        )
        record.same(
            f"{fact.question} A new session gives the tokens and bits from before.",
            [*before.answer.bits, before.logits],
            [*after.answer.bits, after.logits],
        )


def _with(fact: Fact) -> Fact:
    return replace(fact, question=f"{fact.sentence} {fact.question}")


def confidence(asked: Odds) -> float:
    """The geometric mean of the probabilities of the answer's tokens."""
    logprobs = [token.logprob for token in asked.answer.tokens if token.logprob is not None]
    return math.exp(sum(logprobs) / max(len(logprobs), 1))


EXPERIMENT = Experiment(
    name="cut-off",
    title="The knowledge cut-off",
    claim="What happened after the training is not in the weights. The model answers all the "
    "same; pasted in, it answers from the text; a new session does not know it again.",
    run=run,
)
