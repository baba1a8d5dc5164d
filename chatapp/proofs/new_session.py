"""The proof behind "New session": what was corrected is not sent any more, so it is gone.

The same question is asked twice: behind the corrected session's transcript, and alone, as a new
session sends it. Nothing of it joins either transcript.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chatapp.context.messages import Message
from chatapp.conversation.corrections import Correction, prefix_of
from chatapp.engine.client import LocalEngine
from chatapp.engine.protocol import Sampling, Score
from chatapp.proofs.asking import Answer, user
from chatapp.proofs.evidence import Plot
from chatapp.proofs.facts import Fact, says
from chatapp.proofs.files import file_hash
from chatapp.proofs.odds import Odds, odds
from chatapp.proofs.record import Record

GONE = "The correction was in the transcript. The transcript was not sent. So it is gone."
_LENGTH = 60
"""Tokens of each answer at most: the beginning is what counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Both sides of the proof. Probabilities are None where no decisive words were given.

    ``before`` and ``after`` are the hashes of what the question alone gives, before the correction
    was sent (None: not measured in time) and now. ``weights_start`` and ``weights_now`` are
    SHA-256 hashes of the weight file.
    """

    correction: Correction
    corrected: Odds
    fresh: Odds
    before: str | None
    weights_start: str | None
    weights_now: str

    @property
    def after(self) -> str | None:
        return self.fresh.answer.first

    @property
    def same_bits(self) -> bool | None:
        """Whether the new session's distribution is the one from before; None: not measured."""
        return None if self.before is None else self.before == self.after

    @property
    def same_weights(self) -> bool | None:
        return None if self.weights_start is None else self.weights_start == self.weights_now

    @property
    def followed(self) -> bool:
        """Whether the model said the right words while the correction stood in its transcript."""
        return self._says(self.corrected.answer)

    @property
    def known_anyway(self) -> bool:
        """Whether the new session gives the right words too, with no correction at all."""
        return self._says(self.fresh.answer)

    @property
    def rose(self) -> float:
        """How many times as probable the right words are with the correction."""
        return self.corrected.right / max(self.fresh.right, 1e-300)

    def _says(self, answer: Answer) -> bool:
        return says(answer.text, self.correction.right.strip(" .!"))

    @property
    def sentences(self) -> list[str]:
        """What was found, in plain words, in the order in which it matters."""
        right = self.correction.right.strip(" .!")
        found = []
        if self.same_bits:
            found.append(GONE)
        elif self.same_bits is None:
            found.append(
                "The transcript was not sent. What the question gave before the correction was "
                "not measured in time, so there is nothing to compare these bits with."
            )
        else:
            found.append(
                "The bits are NOT those from before: something else than the transcript changed."
            )
        if not self.followed:
            found.append(
                f"This model did not follow the correction even in its own session: “{right}” "
                + (
                    f"became {times(self.rose)} as probable"
                    if self.rose > 1
                    else "did not become more probable"
                )
                + ", but the words did not change. Small models often do not."
            )
        if self.known_anyway:
            found.append(
                f"The new session says “{right}” as well: the weights gave that answer without any "
                "correction, so this one shows little."
            )
        if self.same_weights:
            found.append("The weights are the same file as at the start, byte for byte.")
        elif self.same_weights is False:
            found.append("The weight file has CHANGED since the start. Chatting does not do that.")
        return found

    def note(self, record: Record) -> None:
        """Write both sides down as evidence."""
        record.say(" ".join(self.sentences))
        record.sent("The corrected session: everything is sent again", self.corrected.answer)
        record.sent("A new session: the question alone is sent", self.fresh.answer)
        record.table(
            "Side by side",
            ["", "corrected session", "new session"],
            [
                ["tokens sent", len(self.corrected.answer.prompt), len(self.fresh.answer.prompt)],
                ["answer", self.corrected.answer.text.strip(), self.fresh.answer.text.strip()],
                [f"P(right): {self.correction.right}", self.corrected.right, self.fresh.right],
                [f"P(wrong): {self.correction.wrong}", self.corrected.wrong, self.fresh.wrong],
            ],
            note=f"Probabilities of the words behind “{self.correction.prefix}”.",
        )
        record.plot(
            Plot(
                title="How probable the right and the wrong words are",
                shape="bars",
                labels=["corrected session", "new session"],
                series={
                    "right": [self.corrected.right, self.fresh.right],
                    "wrong": [self.corrected.wrong, self.fresh.wrong],
                },
                unit="probability",
                log=True,
            )
        )
        for title, one in (("corrected session", self.corrected), ("new session", self.fresh)):
            record.measured(title, one.scores, one.prefix)
        if self.before is not None:
            record.same(
                "The new session's distribution is the one from before the correction, to the bit.",
                self.before,
                self.after,
            )
        if self.weights_start is not None:
            record.same(
                "The weight file is the one from the start.", self.weights_start, self.weights_now
            )


def times(factor: float) -> str:
    """A factor in words: “1,200 times”."""
    return f"{factor:.2g} times" if factor < 10 else f"{factor:,.0f} times"


async def measure_before(engine: LocalEngine, system: str, question: str) -> str:
    """The hash of the distribution that the question alone gives, in a new session."""
    request = Score(messages=_alone(system, question), continuations=["."])
    return (await engine.score(request)).logits


async def prove_forgotten(
    engine: LocalEngine,
    correction: Correction,
    transcript: Sequence[Message],
    *,
    system: str = "",
    sampling: Sampling | None = None,
    weights_start: str | None = None,
    progress: Callable[[float, str], None] = lambda done, says: None,
) -> Forgotten:
    """Ask the question behind ``transcript`` and alone. Raises ``EngineError``; may be cancelled.

    ``transcript`` is what the corrected session holds, system prompt included; ``system`` is what
    a new session begins with.
    """
    settings = replace(sampling or Sampling(), max_tokens=_LENGTH)
    fact = Fact(
        id="",
        question=correction.question,
        sentence=correction.chosen,
        right=correction.right.strip(" .!"),
        wrong=correction.wrong,
        prefix=correction.prefix or prefix_of(correction.rejected, correction.wrong),
        say=correction.said,
    )
    progress(0.0, "the question in a new session: nothing else is sent")
    alone = [Message("system", system)] if system else []
    fresh = await odds(engine, fact, alone, settings)
    progress(0.4, "the same question behind the corrected transcript")
    corrected = await odds(engine, fact, transcript, settings)
    progress(0.8, "hashing the weights")
    weights_now = await asyncio.to_thread(file_hash, engine.weights)
    progress(1.0, "done")
    return Forgotten(
        correction=correction,
        corrected=corrected,
        fresh=fresh,
        before=correction.before,
        weights_start=weights_start,
        weights_now=weights_now,
    )


def _alone(system: str, question: str) -> list[Message]:
    return ([Message("system", system)] if system else []) + [user(question)]
