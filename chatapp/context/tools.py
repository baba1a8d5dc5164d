"""Tools as text: what a model may be told it can ask for, and the calls that its replies hold.

A model has no calculator. It can write text that asks for one; a program reads that text and puts
its answer into the transcript, as text. This file knows both texts, and runs nothing.

The declaration has the shape for which chat templates are written (OpenAI's "function" tools). A
call is found in the shapes that models are trained to write: ``<tool_call>{"name": …,
"arguments": {…}}</tool_call>`` (Hermes, Qwen), or a reply that is one JSON object with ``name`` and
``parameters`` or ``arguments`` (Llama 3), with or without ``<|python_tag|>`` before it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chatapp.errors import ContextError

__all__ = ["CALCULATOR", "CLOCK", "DECLARATION", "NAMES", "Call", "calls_in", "read_tools"]

CALCULATOR: Final = "calculator"
CLOCK: Final = "clock"
NAMES: Final = (CALCULATOR, CLOCK)


def _tool(name: str, description: str, **properties: str) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": {
            key: {"type": "string", "description": about} for key, about in properties.items()
        },
        "required": list(properties),
    }
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


_TOOLS: Final = [
    _tool(
        CALCULATOR,
        "Compute an arithmetic expression exactly.",
        expression="Numbers and + - * / // % ** and brackets, for example 12 * (3 + 4)",
    ),
    _tool(CLOCK, "Tell the date, the weekday and the time where the user is."),
]
DECLARATION: Final = json.dumps(_TOOLS, ensure_ascii=False, separators=(",", ":"))
"""The content of the message that declares the tools."""

_LONGEST: Final = 4_000
"""Characters of a call that are read."""
_MOST: Final = 4
"""Calls of one reply that are read; what a model writes after them is told so."""
_DEEPEST: Final = 32


@dataclass(frozen=True, slots=True)
class Call:
    """One call that a reply holds. ``problem``: why it cannot be run, in one sentence."""

    name: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


_TAGGED: Final = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.S)
_PYTHON_TAG: Final = "<|python_tag|>"
_BEGINS: Final = re.compile(rf'\{{\s*"name"\s*:\s*"(?:{"|".join(NAMES)})"')


def calls_in(text: str) -> list[Call]:
    """The calls that a reply holds, in order; empty if it asks for nothing. Never raises."""
    found: list[Call] = []
    for match in _TAGGED.finditer(text):
        if len(found) == _MOST:
            found.append(Call(problem=f"Only {_MOST} calls of one reply are answered."))
            break
        found.append(_call(match.group(1)))
    return found or _bare(text.strip())


def _bare(text: str) -> list[Call]:
    """A reply that is nothing but a call."""
    tagged = text.startswith(_PYTHON_TAG)
    body = text.removeprefix(_PYTHON_TAG).strip()
    if not body.startswith("{"):
        return []
    if tagged or _BEGINS.match(body):
        return [_call(body)]
    value = _json(body) if len(body) <= _LONGEST else None
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        given = value.get("parameters", value.get("arguments"))
        return [_call(body)] if isinstance(given, dict) else []
    return []


def _call(body: str) -> Call:
    if len(body) > _LONGEST:
        return Call(problem=f"The call is longer than {_LONGEST:,} characters.")
    value = _json(body)
    if not isinstance(value, dict):
        return Call(problem='The call is not valid JSON of the form {"name": …, "arguments": {…}}.')
    name = value.get("name")
    if not isinstance(name, str) or not name:
        return Call(problem="The call does not say the name of a tool.")
    given = value.get("arguments", value.get("parameters", {}))
    if isinstance(given, str):  # some models write the arguments as JSON inside a string
        given = _json(given)
    if given is None:
        given = {}
    if not isinstance(given, dict):
        return Call(problem="The arguments of the call are not a JSON object.")
    return Call(name, given)


def _json(text: str) -> Any:
    """The value of a JSON text; ``None`` if it is none, or is too deep."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def read_tools(content: str) -> list[Any]:
    """The declaration as values. Raises :class:`ContextError` if it is no list of objects."""
    value = _json(content)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ContextError("A message with the role 'tools' must hold a JSON list of tools.")
    if _deeper(value, _DEEPEST):
        raise ContextError(f"The list of tools is nested more than {_DEEPEST} deep.")
    return value


def _deeper(value: Any, levels: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value
    if not isinstance(value, (dict, list)):
        return False
    return levels == 0 or any(_deeper(item, levels - 1) for item in inside)
