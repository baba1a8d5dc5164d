"""Reading a server's JSON without trusting its shape: a wrong type counts as not told."""

from __future__ import annotations

import math
from typing import Any


def as_object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    if isinstance(value, list):  # some servers send a list of parts, thinking among them
        texts = [as_object(part).get("text") for part in value]
        return "".join(text for text in texts if isinstance(text, str))
    return value if isinstance(value, str) else ""


def as_count(value: Any) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if fits else None


def as_number(value: Any) -> float | None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number beyond every float
        return None


def stated(answer: Any) -> str:
    """What a JSON error says, in the shapes that servers give it; empty if it says nothing."""
    found = as_object(answer)
    error = found.get("error") or found
    if isinstance(error, str):
        return error
    error = as_object(error)
    message = error.get("message") or error.get("detail") or error.get("msg")
    if isinstance(message, list):  # FastAPI: one object for each field
        parts = [as_object(item) for item in message]
        places = [".".join(str(step) for step in as_list(part.get("loc"))) for part in parts]
        return "; ".join(
            f"{place}: {part.get('msg', '')}" for place, part in zip(places, parts, strict=True)
        )
    return as_text(message)
