"""The numbers of a view, as a lesson notes them: measured now, on the session in front."""

from __future__ import annotations

import asyncio
import math
from typing import Final

from chatapp.context.messages import Message
from chatapp.context.prompt import TEMPLATE, Prompt
from chatapp.conversation import Conversation, Node
from chatapp.engine.protocol import Done, Generate, Sampling, Token
from chatapp.engine.weights.catalogue import load_catalogue
from chatapp.engine.weights.gguf import read_header
from chatapp.errors import ChatappError
from chatapp.lessons.outcome import Outcome
from chatapp.lessons.stage import Stage
from chatapp.lessons.words import Words
from chatapp.proofs import costs
from chatapp.proofs.evidence import Cell, Plot, Table

_NEXT: Final = 10


async def view_of(view: str, stage: Stage, words: Words) -> Outcome:
    """What the view of this name shows; ``words`` name its rows and columns."""
    match view:
        case "context":
            return await _context(stage.conversation, words)
        case "meter":
            return await _meter(stage.conversation, words)
        case "next-token":
            return await _next_token(stage.conversation, words)
        case "weights":
            return await _weights(stage, words)
        case "costs":
            return await _costs(stage)
        case _:
            from chatapp.lessons.logs import kept_and_deleted

            return await kept_and_deleted(stage, words)


def _last(conversation: Conversation) -> Node | None:
    """The last answer of the session."""
    replies = [node for node in conversation.nodes if node.role == "assistant" and node.facts]
    return replies[-1] if replies else None


async def _prompt(conversation: Conversation) -> tuple[list[Message], Prompt | None]:
    """The latest request of the session; without one, what the template sends by itself."""
    last = _last(conversation)
    if last is not None and last.facts is not None:
        messages = list(last.facts.messages)
    else:
        messages = conversation.messages() or [Message("user", "")]
    return messages, await conversation.counter.prompt(messages)


def _owner(owner: int, messages: list[Message]) -> str:
    return "template" if owner == TEMPLATE else messages[owner].role


def _columns(words: Words, *names: str) -> list[str]:
    return [words(f"column-{name}") for name in names]


async def _context(conversation: Conversation, words: Words) -> Outcome:
    messages, prompt = await _prompt(conversation)
    if prompt is None:
        return Outcome(values={"tokens": None, "messages": len(messages), "template_tokens": None})
    rows: list[list[Cell]] = [
        [words(f"row-{_owner(span.owner, messages)}"), text, span.tokens]
        for span, text in prompt.sections()
    ]
    return Outcome(
        sent=prompt.text,
        values={
            "tokens": len(prompt),
            "messages": len(messages),
            "template_tokens": prompt.tokens_of(TEMPLATE),
        },
        blocks=[
            Table(
                title=words("view-context"),
                columns=_columns(words, "from", "text", "tokens"),
                rows=rows,
            )
        ],
    )


async def _meter(conversation: Conversation, words: Words) -> Outcome:
    budget = await conversation.budget()
    if budget is None:
        return Outcome(values=dict.fromkeys(("window", "reserve", "sent", "free", "share")))
    rows: list[list[Cell]] = [
        [words("row-head"), budget.template],
        [words("row-earlier"), budget.earlier + budget.draft],
        [words("row-reserve"), budget.reserve],
        [words("row-free"), budget.free],
        [words("row-window"), budget.window],
    ]
    return Outcome(
        values={
            "window": budget.window,
            "reserve": budget.reserve,
            "sent": budget.sent,
            "free": budget.free,
            "share": budget.share,
        },
        blocks=[
            Table(title=words("view-meter"), columns=_columns(words, "part", "tokens"), rows=rows)
        ],
    )


async def _next_token(conversation: Conversation, words: Words) -> Outcome:
    """The distribution that the latest answer's first token came from, computed again."""
    last = _last(conversation)
    if last is None or last.facts is None:
        raise ChatappError("Nothing was asked in this session yet, so no token was chosen.")
    request = Generate(
        messages=last.facts.messages,
        sampling=Sampling(max_tokens=1, top_k=0, top_p=1.0, min_p=0.0),
        alternatives=_NEXT,
    )
    first: Token | None = None
    async for event in conversation.engine.generate(request):
        if isinstance(event, Token) and first is None:
            first = event
        elif isinstance(event, Done):
            break
    others = first.alternatives if first is not None else ()
    shares = [math.exp(other.logprob) for other in others]
    gap = others[0].logprob - others[1].logprob if len(others) > 1 else None
    return Outcome(
        logits=first.logits if first is not None else None,
        values={
            "first": others[0].text.strip() if others else None,
            "p_first": shares[0] if shares else None,
            "p_second": shares[1] if len(shares) > 1 else None,
            "gap": gap,
        },
        blocks=[
            Plot(
                title=words("view-next-token"),
                shape="bars",
                labels=[other.text for other in others],
                series={words("probability"): shares},
                unit=words("probability"),
            )
        ],
    )


async def _weights(stage: Stage, words: Words) -> Outcome:
    engine = stage.lab.engine
    mark = await engine.fingerprint()
    rows: list[list[Cell]] = [
        [words("row-file"), stage.lab.weights.name],
        ["SHA-256", mark.sha256],
        [words("row-bytes"), mark.bytes],
        [words("row-mapping"), mark.mapping],
        [words("row-probe"), mark.logits],
    ]
    return Outcome(
        logits=mark.logits,
        values={
            "sha256": mark.sha256,
            "bytes": mark.bytes,
            "mapping": mark.mapping,
            "probe": mark.logits,
        },
        blocks=[
            Table(title=words("view-weights"), columns=_columns(words, "what", "value"), rows=rows)
        ],
    )


async def _costs(stage: Stage) -> Outcome:
    """This chat, as if nothing were reused, beside the training that its makers published."""
    weights, turns = stage.lab.weights, stage.conversation.turns
    sha256 = (await stage.lab.setting()).sha256
    header = await asyncio.to_thread(read_header, weights, with_vocabulary=False)
    arithmetic = costs.Arithmetic.of(header)
    entry = load_catalogue().by_sha256(sha256)
    past = costs.of_pretraining(
        entry.training_tokens if entry else None,
        entry.training_tokens_source if entry else None,
        arithmetic,
    )
    # What was reused depends on what was asked before; what was sent does not.
    as_computed, afresh = costs.of_chat(turns, arithmetic)
    ratio = past.flops / afresh.flops if past.flops and afresh.flops else None
    return Outcome(
        values={
            "chat_flops": afresh.flops,
            "training_flops": past.flops,
            "chat_tokens": afresh.tokens,
            "training_tokens": past.tokens,
            "ratio": ratio,
        },
        blocks=costs.blocks([as_computed, afresh, past], arithmetic),
    )
