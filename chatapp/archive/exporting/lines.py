"""How values become lines of JSON: one way, so that the same values give the same bytes."""

from __future__ import annotations

import json
from typing import Any, Final

_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

# JSON allows these in a string, but readers that split a text into lines stop at them.
_BREAKS: Final = {ord(mark): f"\\u{ord(mark):04x}" for mark in "\x85\u2028\u2029"}


def line_of(value: Any) -> str:
    """A value as one line of JSON, without the line's end. Keys keep their order."""
    text = _encode(value)
    return text if text.isascii() else text.translate(_BREAKS)
