"""The notebook of a running experiment: what was seen so far, and how far it has come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chatapp.engine.protocol import Scores
from chatapp.proofs.asking import Answer
from chatapp.proofs.evidence import Block, Cell, Check, Measured, Paragraph, Plot, Sent, Table
from chatapp.proofs.facts import Fact


class Untested(Exception):
    """This cannot be tested here; the message says why."""


@dataclass(slots=True)
class Record:
    """``progress`` is called with the part done (0 to 1) and a sentence about what comes next."""

    progress: Callable[[float, str], None] = lambda done, says: None
    blocks: list[Block] = field(default_factory=list)

    def check(self, says: str, held: bool, *, expected: object = "", found: object = "") -> bool:
        """Note something that had to be so, and whether it was."""
        check = Check(says=says, held=bool(held), expected=str(expected), found=str(found))
        self.blocks.append(check)
        return check.held

    def same(self, says: str, expected: object, found: object) -> bool:
        """Note that two things had to be equal."""
        return self.check(says, expected == found, expected=brief(expected), found=brief(found))

    def differ(self, says: str, one: object, other: object) -> bool:
        """Note that two things had to differ."""
        return self.check(says, one != other, expected=f"not {brief(one)}", found=brief(other))

    def answers(self, says: str, fact: Fact, text: str) -> bool:
        """Note that a reply had to give the fact's right answer."""
        return self.check(says, fact.answered(text), expected=fact.right, found=text.strip())

    def lacks(self, says: str, fact: Fact, text: str) -> bool:
        """Note that a reply had to be without it."""
        held = not fact.answered(text)
        return self.check(says, held, expected=f"not {fact.right}", found=text.strip())

    def rose(self, says: str, before: float, after: float) -> bool:
        """Note that a probability had to grow."""
        expected, found = f"more than {before:.3g}", f"{after:.3g}"
        return self.check(says, after > before, expected=expected, found=found)

    def say(self, text: str) -> None:
        self.blocks.append(Paragraph(text=text))

    def sent(self, title: str, answer: Answer) -> None:
        """Keep a prompt, token for token, and the answer to it."""
        self.blocks.append(
            Sent(
                title=title,
                text=answer.prompt.text,
                tokens=list(answer.prompt.tokens),
                answer=answer.text,
                answer_tokens=answer.ids,
            )
        )

    def table(
        self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], note: str = ""
    ) -> None:
        self.blocks.append(Table(title=title, columns=columns, rows=rows, note=note))

    def plot(self, plot: Plot) -> None:
        self.blocks.append(plot)

    def measured(self, title: str, scores: Scores, prefix: Sequence[int] = ()) -> None:
        """Keep log-probabilities with all tokens before them. ``prefix``: the reply begun."""
        for one in scores.scores:
            self.blocks.append(
                Measured(
                    title=title,
                    context=[*scores.prompt.tokens, *prefix],
                    text=one.text,
                    tokens=list(one.tokens),
                    logprobs=list(one.logprobs),
                )
            )

    @property
    def checks(self) -> list[Check]:
        return [block for block in self.blocks if isinstance(block, Check)]


def brief(value: object) -> str:
    """A value as it is shown beside another: hashes by their beginning, lists by their length."""
    if isinstance(value, str) and len(value) == 64 and value.isalnum():
        return value[:16]
    if isinstance(value, (list, tuple)) and len(value) > 3:
        return f"{len(value)} values"
    return str(value)
