"""What is not seen in a text, or steers what is seen of it."""

from __future__ import annotations

import re
from typing import Final

# Controls, overrides of the direction, and invisible characters that carry no meaning in any
# script. Joiners (U+200C, U+200D) and direction marks stay: words and emoji are written with them.
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
_NAMES: Final = (
    "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM"
    " SUB ESC FS GS RS US"
).split()


def marked(text: str) -> str:
    """The text with a visible mark for each hidden character: ``[ESC]``, ``[U+202E]``."""
    return _HIDDEN.sub(lambda found: f"[{_name(found[0])}]", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The text as one line, hidden characters marked."""
    return marked(" ".join(text.split()))


def escaped_json(document: str) -> str:
    """A JSON document whose hidden characters are written as escapes: the same values.

    In JSON they can only stand within a text, so that each may be replaced where it is.
    """
    return _HIDDEN.sub(lambda found: _escape(found[0]), document)


def _name(character: str) -> str:
    code = ord(character)
    return _NAMES[code] if code < len(_NAMES) else f"U+{code:04X}"


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
