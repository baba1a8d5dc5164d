"""How values become lines of JSON: one way, so that the same values give the same bytes.

By orjson: encoding is most of what an export does, and the standard library takes twenty times as
long. The bytes are those of ``json.dumps(…, ensure_ascii=False, separators=(",", ":"))``.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import orjson

# JSON allows these in a string, but readers that split a text into lines stop at them.
_BREAKS: Final = tuple(
    (mark.encode(), f"\\u{ord(mark):04x}".encode()) for mark in "\x85\u2028\u2029"
)


def line_of(value: Any) -> bytes:
    """A value as one line of JSON, without the line's end. Keys keep their order.

    Raises :class:`TypeError` for text that UTF-8 cannot hold (half a surrogate pair).
    """
    line = orjson.dumps(value)
    if not line.isascii():
        for mark, escaped in _BREAKS:
            line = line.replace(mark, escaped)
    return line


def content_sha256(content: Any) -> str:
    """SHA-256 (hex) of a content's canonical JSON: what ``records.sha256_of`` gives, sooner."""
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
