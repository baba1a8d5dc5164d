"""What it costs: arithmetic of this chat, of a fine-tuning, and of the published pre-training.

A floating-point operation (FLOP) is one multiplication or addition. For a decoder of this kind:

- reading or writing one token at position t: ``2·W + 4·L·D·t``, and ``2·V`` more where the next
  token's distribution is computed (every token that is written, the last one that is read);
  W: numbers of the blocks' matrices, L: blocks, D: width of attention, V: numbers of the output
  matrix (Kaplan et al. 2020, "Scaling Laws for Neural Language Models", arXiv:2001.08361, table 1);
- training on one token: three times that, once forward and twice back; with N numbers in all,
  about ``6·N`` (the same paper, and Hoffmann et al. 2022, arXiv:2203.15556). With LoRA the way back
  computes no gradients of the frozen numbers: about ``4·N``. Where only the upper blocks have
  adapters, ``W'`` of their numbers, that is ``4·(W' + V)``, and ``2·(W - W')`` for each token that
  the blocks below read, which is once if what they give is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from chatapp.conversation.facts import TurnFacts
from chatapp.engine.weights.header import Header
from chatapp.proofs.evidence import Block, Paragraph, Plot, Table
from chatapp.proofs.files import adapters_beside

__all__ = [
    "Arithmetic",
    "Tuning",
    "Work",
    "blocks",
    "of_chat",
    "of_pretraining",
    "of_tuning",
    "page",
    "tunings_beside",
]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """The sizes of a model that decide what a token costs; counts of numbers."""

    matrices: int
    output: int
    blocks: int
    width: int

    @classmethod
    def of(cls, header: Header) -> Arithmetic:
        """From the shapes of the file's tensors."""
        named = {tensor.name: tensor for tensor in header.tensors}
        tied = named.get("token_embd.weight")
        output = named.get("output.weight", tied)
        inside = sum(
            tensor.elements
            for tensor in header.tensors
            if tensor.name.startswith("blk.") and len(tensor.shape) > 1
        )
        query = named.get("blk.0.attn_q.weight")
        width = query.shape[1] if query is not None and len(query.shape) > 1 else header.embedding
        return cls(
            matrices=inside,
            output=output.elements if output is not None else 0,
            blocks=header.blocks or 0,
            width=width or 0,
        )

    @property
    def numbers(self) -> int:
        """Numbers that take part in computing one token's distribution."""
        return self.matrices + self.output

    def read(self, tokens: int, behind: int = 0) -> float:
        """FLOPs of reading ``tokens`` tokens behind ``behind`` others, and of the distribution
        after the last."""
        positions = tokens * behind + tokens * (tokens + 1) / 2
        last = 2 * self.output if tokens else 0
        return 2 * self.matrices * tokens + 4 * self.blocks * self.width * positions + last

    def written(self, tokens: int, behind: int) -> float:
        """FLOPs of writing a reply of ``tokens`` tokens behind ``behind`` others, without the
        distribution that its first token came from."""
        positions = tokens * behind + tokens * (tokens + 1) / 2
        per_token = 2 * (self.matrices + self.output)
        return per_token * tokens + 4 * self.blocks * self.width * positions


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something that was computed. ``seconds`` is measured; ``None``: not known, not published."""

    name: str
    tokens: int | None
    flops: float | None
    seconds: float | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """A fine-tuning as its log has it. ``trained``: tokens that the blocks with adapters computed,
    ``below``: those that the blocks below them read, forward only; ``first``: the share of the
    blocks that lies below."""

    name: str
    trained: int
    below: int = 0
    first: float = 0.0
    seconds: float | None = None

    @classmethod
    def of(cls, name: str, training: Mapping[str, Any]) -> Tuning:
        """As ``provenance.json`` has it. Raises :class:`ValueError` and its kin if it is none."""
        tokens, (first, blocks) = int(training["tokens"]), training.get("layers", (0, 1))
        return cls(
            name=name,
            trained=tokens,
            below=int(training.get("tokens_below", 0)),
            first=int(first) / int(blocks),
            seconds=float(training["seconds"]),
        )


def of_chat(turns: Iterable[TurnFacts], arithmetic: Arithmetic) -> tuple[Work, Work]:
    """What the turns cost as they were computed, and what they would without the cache.

    Turns whose numbers a server hides are left out.
    """
    tokens = computed = afresh = 0
    seconds = flops = flops_afresh = 0.0
    for turn in turns:
        if turn.tokens_sent is None or not turn.arrived:
            continue
        sent, reply = turn.tokens_sent, turn.reply_tokens or len(turn.tokens)
        new = sent if turn.computed is None else turn.computed
        written = arithmetic.written(reply, sent)
        flops += arithmetic.read(new, sent - new) + written
        flops_afresh += arithmetic.read(sent) + written
        tokens += sent + reply
        computed += new + reply
        afresh += sent + reply
        seconds += (turn.prefill_seconds or 0.0) + (turn.decode_seconds or 0.0)
    return (
        Work(
            name="this chat",
            tokens=computed,
            flops=flops,
            seconds=seconds or None,
            source="its turns: tokens computed",
        ),
        Work(
            name="this chat without the cache",
            tokens=afresh,
            flops=flops_afresh,
            source="its turns: tokens sent, and written",
        ),
    )


def of_tuning(tuning: Tuning, arithmetic: Arithmetic) -> Work:
    """What a fine-tuning by LoRA cost: 4·N for a token that is trained on, less where the blocks
    below the adapters were read once."""
    below = arithmetic.matrices * tuning.first
    trained = 4.0 * (arithmetic.numbers - below) * tuning.trained
    return Work(
        name=tuning.name,
        tokens=tuning.trained,
        flops=trained + 2.0 * below * tuning.below,
        seconds=tuning.seconds,
        source="its training log",
    )


def of_pretraining(tokens: int | None, source: str | None, arithmetic: Arithmetic) -> Work:
    """What the model's makers computed: 6·N for each token that it was trained on."""
    return Work(
        name="pre-training of this model",
        tokens=tokens,
        flops=None if tokens is None else 6.0 * arithmetic.numbers * tokens,
        source=source or "not published",
    )


def page(weights: Path, sha256: str | None, turns: Sequence[TurnFacts]) -> list[Block]:
    """The page about a chat with this weight file; ``sha256`` finds what its makers published.

    Adapters beside the weights are named with what their logs say of their training.
    """
    from chatapp.engine.weights.catalogue import load_catalogue
    from chatapp.engine.weights.gguf import read_header

    arithmetic = Arithmetic.of(read_header(weights, with_vocabulary=False))
    entry = load_catalogue().by_sha256(sha256) if sha256 else None
    past = of_pretraining(
        entry.training_tokens if entry else None,
        entry.training_tokens_source if entry else None,
        arithmetic,
    )
    tunings = [of_tuning(one, arithmetic) for one in tunings_beside(weights, sha256)]
    return blocks([*of_chat(turns, arithmetic), *tunings, past], arithmetic)


def tunings_beside(weights: Path, sha256: str | None) -> list[Tuning]:
    """The fine-tunings of these weights whose adapters lie beside them, as their logs have it."""
    found = []
    for adapter, told in adapters_beside(weights):
        try:
            training = told["training"]
            if told["base_sha256"] == sha256:
                found.append(Tuning.of(f"fine-tuning “{adapter.parent.name}”", training))
        except (ValueError, KeyError, TypeError, ZeroDivisionError):
            continue  # not ours: the list of adapters says so
    return found


_YEAR: Final = 365.25 * 86_400


def blocks(works: Sequence[Work], arithmetic: Arithmetic) -> list[Block]:
    """The page: a table, each as a multiple of the others, and the formulas with their sources."""
    known = [work for work in works if work.flops]
    found: list[Block] = [
        Table(
            title="What was computed",
            columns=("", "tokens", "FLOPs", "seconds (measured)", "where the count is from"),
            rows=[
                (work.name, work.tokens, work.flops, work.seconds, work.source) for work in works
            ],
            note="A dash: not published, or not measured here.",
        ),
        Table(
            title="Each as a multiple of the others (row ÷ column, FLOPs)",
            columns=("", *(work.name for work in known)),
            rows=[(one.name, *(_ratio(one, other) for other in known)) for one in known],
        ),
    ]
    if len(known) > 1:
        found.append(
            Plot(
                title="FLOPs",
                shape="bars",
                labels=[work.name for work in known],
                series={"FLOPs": [work.flops for work in known]},
                unit="FLOP",
                log=True,
            )
        )
    found += [Paragraph(text=text) for text in (*_at_this_speed(works), *_formulas(arithmetic))]
    return found


def _ratio(one: Work, other: Work) -> float | None:
    return one.flops / other.flops if one.flops and other.flops else None


def _at_this_speed(works: Sequence[Work]) -> Iterable[str]:
    chat = works[0] if works else None
    past = next((work for work in works if work.name.startswith("pre-training")), None)
    if chat is None or not chat.flops or not chat.seconds or past is None or not past.flops:
        return
    years = past.flops / (chat.flops / chat.seconds) / _YEAR
    yield (
        f"This machine computed this chat at {chat.flops / chat.seconds / 1e9:.3g} billion FLOPs a "
        f"second. At that speed the pre-training would take it {years:,.0f} years. It was done "
        "once, elsewhere; what is computed here, on every turn, is use, and changes nothing."
    )


def _formulas(arithmetic: Arithmetic) -> Iterable[str]:
    yield (
        f"Here W = {arithmetic.matrices:,} (numbers of the blocks' matrices), "
        f"V = {arithmetic.output:,} (output matrix), L = {arithmetic.blocks} blocks, "
        f"D = {arithmetic.width:,} (width of attention), N = W + V = {arithmetic.numbers:,}."
    )
    yield (
        "A token at position t: 2·W + 4·L·D·t, and 2·V more where a distribution is computed. "
        "(Kaplan et al. 2020, arXiv:2001.08361, table 1; the file's own tensor shapes.) Reading a "
        "reply back between two turns, which only saves time, is not in this count."
    )
    yield (
        "Training: 6·N for a token (Kaplan et al.; Hoffmann et al. 2022, arXiv:2203.15556); by "
        "LoRA about 4·N, as the frozen numbers need no gradients. Blocks that lie below all "
        "adapters need none at all, and are read once for each token: 2 for each of their numbers. "
        "Attention is left out there."
    )
