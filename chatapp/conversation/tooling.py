"""What answers a call that a model wrote: a calculator and a clock. Programs, not the model."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from chatapp.context.tools import CALCULATOR, CLOCK, NAMES, Call, calls_in
from chatapp.conversation.arithmetic import compute
from chatapp.conversation.tree import Node
from chatapp.errors import ChatappError

__all__ = ["NOT_SEEN", "NO_PLACE", "ROUNDS", "TOO_OFTEN", "UNSENT", "answer", "call_of", "results"]

ROUNDS: Final = 4
"""How often, in one turn, the model is asked again with what its calls gave."""
TOO_OFTEN: Final = (
    f"The model asks for a tool once more. In one turn chatapp answers {ROUNDS} times; it stops "
    "here."
)
UNSENT: Final = "Stopped: this was not sent to the model yet."
NO_PLACE: Final = (
    "This model's template has no place for tools, so the model cannot be told of them; "
    "“chatapp models info” says for each model whether its template has."
)
NOT_SEEN: Final = (
    "Tools are for models that run here: what a server does with them cannot be seen from here."
)

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def results(reply: Node, now: datetime) -> list[Node]:
    """Run what ``reply`` asks for; the results, which stand below it, one below another."""
    found: list[Node] = []
    for call in calls_in(reply.content):
        found.append((found[-1] if found else reply).add("tool", answer(call, now)))
    return found


def call_of(result: Node) -> Call | None:
    """The call that a result answers; ``None`` if the reply above does not hold it."""
    place, at = 0, result.parent
    while at is not None and at.role == "tool":
        place, at = place + 1, at.parent
    calls = calls_in(at.content) if at is not None and at.role == "assistant" else []
    return calls[place] if place < len(calls) else None


def answer(call: Call, now: datetime) -> str:
    """What the tool says to a call, as text; for a call that cannot be run, why.

    ``now`` is the time here, with its zone.
    """
    if call.problem:
        return call.problem
    if call.name == CALCULATOR:
        return _calculator(dict(call.arguments))
    if call.name == CLOCK:
        return _clock(now) if not call.arguments else "The clock takes no arguments."
    name = call.name if len(call.name) <= 40 else call.name[:39] + "…"
    return f"There is no tool named “{_plain(name)}”. There are: {', '.join(NAMES)}."


def _calculator(arguments: dict[str, Any]) -> str:
    expression = arguments.pop("expression", None)
    if isinstance(expression, (int, float)) and not isinstance(expression, bool):
        expression = str(expression)
    if not isinstance(expression, str) or arguments:
        return "The calculator takes one argument: expression, a text."
    expression = _plain(expression)
    try:
        return f"{expression} = {compute(expression)}"
    except ChatappError as error:
        return str(error)


def _clock(now: datetime) -> str:
    offset = f"{now:%z}"
    zone = f"UTC{offset[:3]}:{offset[3:5]}" if offset else "an unknown time zone"
    if (name := now.tzname()) and not name.startswith("UTC"):
        zone = f"{name}, {zone}"
    return f"{_DAYS[now.weekday()]}, {now:%Y-%m-%d}, {now:%H:%M} ({zone})"


def _plain(text: str) -> str:
    """One line, and none of it unprintable."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
