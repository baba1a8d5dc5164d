"""Every sentence that the screen makes from numbers, as plain functions.

``None`` always means that a server did not reveal a number; it is said so and never guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from chatapp.context.budget import Budget, Level
    from chatapp.conversation import Node, TurnFacts
    from chatapp.engine.counter import Counter
    from chatapp.engine.protocol import Prefill, Ready

UNKNOWN: Final = "not revealed"

# Control characters become their pictures (ESC is shown as ␛), so none reaches the terminal.
# Invisible characters that turn text round become the replacement character: what is shown is
# then in the order in which it is sent.
_PICTURES: Final = {
    **{code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A)},
    0x7F: 0x2421,
    **dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD),
    **dict.fromkeys([0x2028, 0x2029], 0x240A),
}
OFFER: Final = (
    "That looks like a correction. ^K keeps it as one, so that a new session can be compared."
)
_SPARKS: Final = "▁▂▃▄▅▆▇█"


EXAMPLE: Final = (
    "This reply may be exported as an example while this session is “kept + training”, and after "
    "a review (^P, Review)."
)


def kept(local: bool, *, keeping: bool = False) -> str:
    """What a correction that was kept is good for. ``keeping``: its session is stored."""
    compared = (
        "^N begins a new session and compares the two."
        if local
        else "With a server it cannot be compared with a new session."
    )
    return " ".join(["Kept as a correction.", compared, *([EXAMPLE] if keeping else [])])


def visible(text: str) -> str:
    """``text`` with nothing in it that could steer a terminal. Line breaks and tabs stay."""
    text = text.replace("\r\n", "\n").translate(_PICTURES)
    # A lone surrogate (half of a character) cannot be written as UTF-8.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def one_line(text: str) -> str:
    """``text`` on one line, safe to show."""
    return " ".join(visible(text).split())


def number(value: int | None) -> str:
    """A count with thousands separated."""
    return UNKNOWN if value is None else f"{value:,}"


def many(value: int, noun: str) -> str:
    """``3 messages``, ``1 message``."""
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def role(name: str) -> str:
    """How the screen calls a role."""
    return {"user": "you", "assistant": "model", "tool": "result"}.get(name, name)


def times_sent(count: int) -> str:
    """How often a message has been sent."""
    return f"sent ×{count:,}" if count else "not sent yet"


def turn(facts: TurnFacts) -> list[str]:
    """What stands under a reply: what its request held and what it cost, phrase by phrase."""
    if facts.tokens_sent is None:
        parts = [f"turn {facts.number}: tokens sent: {UNKNOWN}"]
    elif facts.tokens_again is None:
        sent = many(facts.tokens_sent, "token")
        parts = [f"turn {facts.number}: {sent} sent, how many of them again: {UNKNOWN}"]
    else:
        parts = [
            f"turn {facts.number}: {many(facts.tokens_sent, 'token')} sent, "
            f"{facts.tokens_again:,} of them again, {number(facts.tokens_new)} new"
        ]
    if facts.computed is None and facts.reused is None:
        parts.append(f"computed, reused: {UNKNOWN}")
    elif not facts.request.reuse and not facts.reused:
        parts.append(f"computed all {number(facts.computed)} afresh: the arithmetic cache is off")
    else:
        parts.append(
            f"computed {number(facts.computed)}, "
            f"reused from the arithmetic cache {number(facts.reused)}"
        )
    return [*parts, *_adapter(facts), *_speed(facts)]


def _adapter(facts: TurnFacts) -> list[str]:
    """What was added to the model's weights when they answered; nothing for the base alone."""
    by = facts.weights
    if by is None or by.adapter is None:
        return []
    return [f"answered by the base + {one_line(by.adapter)} ×{by.adapter_scale}"]


def _speed(facts: TurnFacts) -> list[str]:
    parts = []
    if facts.tokens_per_second is not None:
        parts.append(f"{facts.tokens_per_second:,.0f} tokens/s")
    if facts.first_token_seconds is not None:
        parts.append(f"first token {facts.first_token_seconds:.1f} s")
    return [", ".join(parts)] if parts else []


def flow(phrases: Sequence[str], width: int) -> list[str]:
    """Phrases joined by dots to lines of at most ``width``, cut between phrases, else at commas."""
    lines: list[str] = []
    for phrase in phrases:
        if lines and len(lines[-1]) + 3 + len(phrase) <= width:
            lines[-1] += f" · {phrase}"
            continue
        head, comma, tail = phrase.partition(", ")
        while comma and len(phrase) > width:
            lines.append(f"{head},")
            phrase = tail
            head, comma, tail = phrase.partition(", ")
        lines.append(phrase)
    return lines


def ending(node: Node) -> str:
    """Why a reply ended, if not by itself. Shown beside the text, never in it."""
    tokens = node.facts.reply_tokens if node.facts else None
    after = f" after {many(tokens, 'token')}" if tokens else ""
    if node.status == "stopped":
        return f"■ stopped by you{after or ('' if node.content else ' before the first word')}"
    if node.status == "length":
        return f"■ cut off{after}: that is the reply length set (F4 changes it)"
    if node.status == "window":
        return f"■ cut off{after}: the context window is full"
    if node.status == "failed":
        return f"✗ {one_line(node.note)} Ctrl+R asks again."
    return f"■ {one_line(node.note)}" if node.note else ""


def reading(messages: int, tokens: int | None, prefill: Prefill | None) -> list[str]:
    """What happens between Enter and the first token, phrase by phrase."""
    whole = "the message goes" if messages == 1 else f"all {messages:,} messages go"
    size = f" ({many(tokens, 'token')})" if tokens is not None else ""
    phrases = [f"{whole} to the model{size}"]
    if prefill is not None and prefill.total > 0:
        total = many(prefill.total, "token")
        phrases.append(f"reading the transcript: {prefill.done:,} of {total}")
    return phrases


def about_model(ready: Ready) -> str:
    """What a person should know of a model that has just been loaded; often nothing."""
    plain = (
        "This model has no chat template: it is a base model. It is sent the bare text, and goes "
        "on with it, rather than answering."
    )
    return " ".join(
        part for part in (plain if ready.own_template is False else "", ready.note) if part
    )


def left_behind(messages: int, tokens: int | None) -> str:
    """The notice of a new session: what did not come along."""
    if not messages:
        return "A new session. The last one was empty, so nothing was left behind."
    size = many(messages, "message")
    size += f" ({many(tokens, 'token')})" if tokens is not None else f" (tokens: {UNKNOWN})"
    was, them = ("was", "it") if messages == 1 else ("were", "them")
    return f"{size} {was} left behind. Nothing of {them} is sent from here."


def view_begins(messages: int) -> str:
    """The rule where the model's view begins."""
    if messages == 1:
        return "the model's view begins here: 1 earlier message is no longer sent"
    return f"the model's view begins here: {messages:,} earlier messages are no longer sent"


def same_again(temperature: float) -> str:
    """What a person should know before asking again; empty when answers may differ."""
    if temperature > 0:
        return ""
    return (
        "At temperature 0 the most probable token is taken each time: the same input gives the "
        "same answer. To let it vary, raise the temperature (F4)."
    )


_LEVELS: Final[dict[Level, str]] = {
    "ok": "",
    "amber": "getting full",
    "red": "almost full",
    "over": "does not fit",
}


def fullness(budget: Budget) -> str:
    """How full the window is, in words."""
    word = _LEVELS[budget.level]
    share = f"{budget.share:.0%} spoken for"
    return f"{share}: {word}" if word else share


def budget_parts(budget: Budget, *, short: bool = False) -> list[tuple[str, str, int]]:
    """The parts of the window: name, the sign that stands for it in the bar, tokens."""
    tools = ("tools" if short else "tools offered", "▞", budget.tools)
    notes = ("notes" if short else "saved notes", "▚", budget.notes)
    return [
        ("template" if short else "template + system", "█", budget.template),
        *([notes] if budget.notes else []),
        *([tools] if budget.tools else []),
        ("earlier" if short else "earlier turns", "▓", budget.earlier),
        ("draft", "▒", budget.draft),
        ("reply" if short else "reply reserve", "╱", budget.reserve),
        ("free", "·", max(budget.free, 0)),
    ]


def bar(budget: Budget, width: int) -> list[tuple[int, int]]:
    """The bar as (part, cells). What is there gets at least one cell while there is room."""
    counts = [count for _, _, count in budget_parts(budget)]
    whole = max(sum(counts), 1)
    exact = [width * count / whole for count in counts]
    cells = [max(int(share), 1) if count else 0 for share, count in zip(exact, counts, strict=True)]
    while sum(cells) > width:
        cells[max(range(len(cells)), key=cells.__getitem__)] -= 1
    # Cells left over go where rounding down took most.
    order = sorted(range(len(cells)), key=lambda n: exact[n] - cells[n], reverse=True)
    for index in range(width - sum(cells)):
        cells[order[index % len(order)]] += 1
    return [(part, count) for part, count in enumerate(cells) if count]


def counted_by(counter: Counter) -> str:
    """Where the numbers of the meter come from."""
    if counter.source == "own":
        return (
            "Counted here, from the model's own vocabulary, and compared with what the engine "
            "read for every request that is sent."
        )
    if counter.doubt:
        return f"Counted by the engine, as a count made here differed: {counter.doubt}."
    return "Counted by the engine."


def sparkline(values: Sequence[int], width: int) -> str:
    """A small curve from zero up to the largest value, one cell per value."""
    if not values or width < 1:
        return ""
    if len(values) > width:
        step = len(values) / width
        values = [values[int((n + 1) * step) - 1] for n in range(width)]
    top = max(*values, 1)
    return "".join(_SPARKS[min(len(_SPARKS) - 1, value * len(_SPARKS) // top)] for value in values)


def total_sent(turns: Sequence[TurnFacts], total: int | None, width: int) -> str:
    """All that was sent since the start, with its curve (it grows with the square of the turns)."""
    if not turns:
        return "sent since the start: nothing"
    if total is None:
        return f"sent since the start: {UNKNOWN}"
    text = f"sent since the start: {many(total, 'token')}"
    if len(text) > width:
        text = f"sent in all: {total:,}"
    totals = [facts.total_sent for facts in turns if facts.total_sent is not None]
    curve = sparkline(totals, min(12, width - len(text) - 1))
    return f"{text} {curve}" if len(curve) > 1 else text
