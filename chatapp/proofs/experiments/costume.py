"""The same weights with and without the chat template: an assistant, or text that goes on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chatapp.engine.client import LocalEngine
from chatapp.engine.protocol import Generate, Sampling, Score, Scores
from chatapp.proofs.asking import Answer, ask, user
from chatapp.proofs.evidence import Cell, Plot
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.lab import Lab
from chatapp.proofs.record import Record

TEXT = "Hello, I need some help with my homework."
ANSWERS = (
    *("Hello", "Hi", "Hey", "Welcome", "Of course", "Sure", "Certainly", "Absolutely", "Yes"),
    *("I'm here to", "I'd be happy to", "I'd be glad to", "I can help", "What subject"),
)
"""Ways in which somebody else begins to answer. Each is scored as it stands."""
GOES_ON = (
    *("I'm having", "I'm trying", "I'm really", "I'm not sure", "I'm stuck", "I'm struggling"),
    *("I have", "I need", "I don't", "I am", "I was", "Can you", "Could you", "Do you", "Please"),
    *("It is", "It's", "My"),
)
"""Ways in which the same person goes on."""
BETWEEN = ("", " ", "\n", "\n\n")
"""What may stand between a bare text and an answer to it."""
_LENGTH = 40


async def run(lab: Lab, record: Record) -> None:
    rows: list[list[Cell]] = []
    record.progress(0.0, "with the chat template")
    dressed = await _look(lab.engine, plain=False)
    record.progress(0.3, "the same weights without it")
    undressed = await _look(lab.engine, plain=True)
    sha256 = (await lab.engine.fingerprint()).sha256
    looks = {
        f"{lab.weights.name}, with its chat template": dressed,
        f"{lab.weights.name}, the text alone": undressed,
    }
    if lab.base is not None:
        record.progress(0.6, "a base model")
        looks[f"{lab.base.name}, a base model: the text alone"] = await _look(
            lab.another(lab.base), plain=True
        )
    for name, look in looks.items():
        nexts = ", ".join(repr(other.text) for other in look.scores.alternatives[:5])
        rows.append([name, look.answers, look.goes_on, nexts, look.answer.text])
        record.sent(name, look.answer)
    record.table(
        f"“{TEXT}”",
        [
            "weights and what was sent",
            "P(somebody answers)",
            "P(the person goes on)",
            "most probable next tokens",
            "what came",
        ],
        rows,
        note="Each probability is a sum over beginnings. Somebody answers: "
        + ", ".join(ANSWERS)
        + ". The person goes on: "
        + ", ".join(GOES_ON)
        + ".",
    )
    record.plot(
        Plot(
            title="Who speaks next?",
            shape="bars",
            labels=list(looks),
            series={
                "somebody answers": [look.answers for look in looks.values()],
                "the person goes on": [look.goes_on for look in looks.values()],
            },
            unit="probability",
        )
    )
    if lab.base is None:
        record.say(
            "No base model is installed; with one, this page shows it as well: "
            "chatapp models pull gemma-3-270m"
        )
    record.check(
        "With the template the same text was sent, with more around it.",
        TEXT in dressed.sent and dressed.sent != TEXT,
        expected=f"… {TEXT} …",
        found=dressed.sent,
    )
    record.same("Without the template, the text alone was sent.", TEXT, undressed.sent)
    record.same("The weights were the same file in both.", (await lab.setting()).sha256, sha256)
    record.check(
        "With the template, an answer is far more probable than without it.",
        dressed.answers > 3 * undressed.answers,
        expected=f"more than 3 × {undressed.answers:.3g}",
        found=f"{dressed.answers:.3g}",
    )
    record.check(
        "Without it, the person's own text goes on far more probably than with it.",
        undressed.goes_on > 3 * dressed.goes_on,
        expected=f"more than 3 × {dressed.goes_on:.3g}",
        found=f"{undressed.goes_on:.3g}",
    )


@dataclass(frozen=True, slots=True)
class _Look:
    answer: Answer
    scores: Scores
    answers: float
    goes_on: float

    @property
    def sent(self) -> str:
        return self.answer.prompt.text


async def _look(engine: LocalEngine, *, plain: bool) -> _Look:
    """What the weights make of the text, and how probable it is that somebody answers it."""
    messages = [user(TEXT)]
    answer = await ask(
        engine, Generate(messages=messages, plain=plain, sampling=Sampling(max_tokens=_LENGTH))
    )
    betweens = BETWEEN if plain else ("",)

    async def chance(openings: Sequence[str]) -> tuple[float, Scores]:
        texts = [between + opening for between in betweens for opening in openings]
        scores = await engine.score(
            Score(messages=messages, plain=plain, continuations=texts, alternatives=5)
        )
        # The tokens of one may begin another ("Hi", "Hi there"): each is counted once.
        found = {one.tokens: one.logprob for one in scores.scores}
        return sum(
            math.exp(logprob)
            for tokens, logprob in found.items()
            if not any(tokens[:n] in found for n in range(1, len(tokens)))
        ), scores

    answers, scores = await chance(ANSWERS)
    goes_on, _ = await chance(GOES_ON)
    return _Look(answer, scores, answers, goes_on)


EXPERIMENT = Experiment(
    name="costume",
    title="The assistant is a costume",
    claim="The same weights answer as an assistant inside the chat template, and merely go on with "
    "the text without it. The assistant is a form of text.",
    run=run,
)
