"""Sentences about tools: a model writes text, a program of chatapp answers with text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chatapp.tui import words

if TYPE_CHECKING:
    from chatapp.conversation import Node

__all__ = ["OFF", "ON", "STATE", "below_call", "was_answered", "who"]

STATE: Final = "tools: on"
ON: Final = (
    "From the next turn on the model is told of a calculator and a clock, as text, on every turn "
    "(the meter counts it). It can only write that it wants one; chatapp then runs it."
)
OFF: Final = (
    "From the next turn on the model is told of no tools. What they answered stays in the "
    "transcript, and is sent like the rest."
)
_NAMES: Final = {"calculator": "Calculator", "clock": "Clock"}


def who(result: Node, *, short: bool = False) -> str:
    """Who speaks in a tool's result."""
    from chatapp.conversation.tooling import call_of

    call = call_of(result)
    name = _NAMES.get(call.name, "") if call is not None and not call.problem else ""
    return f"{name or 'chatapp'}{': a program' if short else ' — a program, not the model'}"


def was_answered(reply: Node) -> bool:
    """Whether a tool's result stands below a reply."""
    return bool(reply.children) and reply.children[reply.chosen].role == "tool"


def below_call(reply: Node) -> str:
    """What stands below a reply that asked for a tool; empty for any other."""
    if not was_answered(reply):
        return ""
    from chatapp.conversation.tooling import call_of

    call = call_of(reply.children[reply.chosen])
    ran = "chatapp read it"
    if call is not None and not call.problem and call.name in _NAMES:
        ran = f"chatapp ran the {words.one_line(call.name)}"
    return f"The model wrote this as text; {ran} and put the answer below. All of it is sent again."
