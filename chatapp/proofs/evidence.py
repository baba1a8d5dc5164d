"""What an experiment leaves behind: a claim, what was seen, and a verdict that others can check.

Evidence is data: the screen, the JSON and the report page all show the same blocks. Its
probabilities carry the token ids they belong to, so that another program can compute them again.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, TypeAlias

Verdict = Literal["held", "failed", "untested"]
"""All checks held; at least one did not; it could not be tested here."""

SCHEMA: Final = 1
"""The version of the JSON form."""

Cell: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that had to be so. ``expected`` and ``found`` are what was compared, as text."""

    kind: ClassVar[str] = "check"
    says: str
    held: bool
    expected: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Plain words."""

    kind: ClassVar[str] = "paragraph"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A prompt exactly as the model received it, and what it answered."""

    kind: ClassVar[str] = "sent"
    title: str
    text: str
    tokens: Sequence[int]
    answer: str | None = None
    answer_tokens: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells; a float is a number with its unit in the column's name, None is unknown."""

    kind: ClassVar[str] = "table"
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Bars or a line for each series: ``series`` maps a name to one value per label.

    ``log``: the values span powers of ten. ``mark`` names a label at which something happened.
    """

    kind: ClassVar[str] = "plot"
    title: str
    shape: Literal["bars", "lines"]
    labels: Sequence[str]
    series: Mapping[str, Sequence[float | None]]
    unit: str = ""
    log: bool = False
    mark: str | None = None
    mark_says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Log-probabilities (nats) of ``tokens`` after ``context``, for another program to recompute.

    ``text`` is what the tokens stand for; ``logprobs`` has one number for each of them.
    """

    kind: ClassVar[str] = "measured"
    title: str
    context: Sequence[int]
    text: str
    tokens: Sequence[int]
    logprobs: Sequence[float]


Block: TypeAlias = Check | Paragraph | Sent | Table | Plot | Measured
_BLOCKS: Final[dict[str, type[Any]]] = {
    kind.kind: kind for kind in (Check, Paragraph, Sent, Table, Plot, Measured)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where it was measured: what a result depends on, and what it was run with.

    ``weights`` is the file's name, ``sha256`` its hash before the experiment.
    """

    weights: str
    sha256: str
    bytes: int
    chatapp: str
    llama_cpp: str = ""
    processor: str = ""
    system: str = ""
    python: str = ""
    options: Mapping[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One experiment's outcome. ``because`` says the verdict in a sentence.

    ``started`` is UTC, ISO 8601; ``seconds`` the time it took; ``command`` repeats it.
    """

    name: str
    title: str
    claim: str
    verdict: Verdict
    because: str
    blocks: Sequence[Block]
    setting: Setting
    started: str
    seconds: float
    command: str

    @property
    def checks(self) -> list[Check]:
        return [block for block in self.blocks if isinstance(block, Check)]

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        found = {
            name: getattr(self, name)
            for name in ("name", "title", "claim", "verdict", "because", "started")
        }
        return {
            "schema": SCHEMA,
            **found,
            "seconds": round(self.seconds, 3),
            "command": self.command,
            "setting": dataclasses.asdict(self.setting),
            "blocks": [{"kind": block.kind, **dataclasses.asdict(block)} for block in self.blocks],
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Evidence:
        """The inverse of :meth:`as_dict`. Raises ``ValueError`` on another schema."""
        if value.get("schema") != SCHEMA:
            raise ValueError(f"This evidence has schema {value.get('schema')!r}, not {SCHEMA}.")
        fields = {k: v for k, v in value.items() if k not in ("schema", "blocks", "setting")}
        blocks = []
        for block in value["blocks"]:
            rest = {name: item for name, item in block.items() if name != "kind"}
            blocks.append(_BLOCKS[block["kind"]](**rest))
        return cls(blocks=blocks, setting=Setting(**value["setting"]), **fields)


def as_json(evidence: Sequence[Evidence]) -> str:
    """Several experiments as one JSON document, with the verdict on all of them."""
    found = {"verdict": overall(evidence), "experiments": [one.as_dict() for one in evidence]}
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def overall(evidence: Sequence[Evidence]) -> Verdict:
    """``failed`` if one did not hold, else ``untested`` if one could not be tested."""
    verdicts = {one.verdict for one in evidence}
    if "failed" in verdicts:
        return "failed"
    return "untested" if "untested" in verdicts or not verdicts else "held"
