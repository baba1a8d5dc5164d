"""Text and numbers as HTML: all of it escaped, all of it visible."""

from __future__ import annotations

import html
import math
import re
from typing import Final

from chatapp.proofs.evidence import Cell

UNKNOWN: Final = "not revealed"

# Numbers are grouped by a narrow space that does not break: 0.000 000 12.
GROUP: Final = "\N{NARROW NO-BREAK SPACE}"
MINUS: Final = "\N{MINUS SIGN}"

_SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# What is not seen, or steers what is seen: controls, invisible and direction-changing characters.
_HIDDEN: Final = re.compile(
    "([\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f])"
)
_NAMES: Final = (
    "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM"
    " SUB ESC FS GS RS US"
).split()
_CONTROL_TOKEN: Final = re.compile(
    r"(<[|｜][^\s<>|｜]{1,64}[|｜]>|</?s>|<(?:bos|eos|pad|unk|start_of_turn|end_of_turn)>|\[/?INST\])"
)
_HASH: Final = re.compile(r"(?<![0-9A-Za-z])((?=[0-9a-f]*[0-9])[0-9a-f]{16,64})(?![0-9A-Za-z])")


def clean(text: str) -> str:
    """``text`` as it can be written as UTF-8 and as XML: a lone surrogate becomes U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


def escaped(text: str) -> str:
    """``text`` as HTML text or as an attribute's value. What is hidden in it becomes visible."""
    return html.escape(_HIDDEN.sub(lambda found: _shown(found[1]), clean(text)))


def words(text: str) -> str:
    """Plain words as HTML. Hashes are in monospace, and may break anywhere."""
    parts = _HASH.split(text)
    return "".join(
        f"<code>{part}</code>" if number % 2 else _marked_hidden(part)
        for number, part in enumerate(parts)
    )


def exact(text: str) -> str:
    """A prompt as HTML for ``<pre>``: control tokens, line ends and hidden characters are marked.

    The mark for a line end is not part of what is selected and copied.
    """
    parts = _CONTROL_TOKEN.split(text)
    marked = "".join(
        f'<b class="token">{html.escape(part)}</b>' if number % 2 else _marked_hidden(part)
        for number, part in enumerate(parts)
    )
    return marked.replace("\n", '<span class="end" aria-hidden="true">↵</span>\n')


def has_control_tokens(text: str) -> bool:
    """Whether something in ``text`` is written like a control token."""
    return _CONTROL_TOKEN.search(text) is not None


def cell(value: Cell) -> str:
    """A cell of a table as HTML. A number keeps its exact value for whoever hovers or reads on."""
    if value is None:
        return f'<span class="unknown">{UNKNOWN}</span>'
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        full = repr(value if isinstance(value, int) else float(value))  # not NumPy's own words
        return f'<data value="{full}" title="{full}">{number(value)}</data>'
    return words(value)


def number(value: float) -> str:
    """A number for people: 0.11, 0.000 000 12, 6.1 × 10⁻¹², 12 345.67.

    Rounding never makes a probability 0 or 1 that is not: 0.99996 keeps its digits.
    """
    if isinstance(value, int):
        return _grouped(str(value)).replace("-", MINUS)
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else f"{MINUS if value < 0 else ''}∞"
    size = abs(value)
    if size and (size < 1e-9 or size >= 1e15):
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        text = f"{mantissa} × {power(int(exponent))}"
    else:
        text = _grouped(_rounded(value))
    return text.replace("-", MINUS)


def power(exponent: int) -> str:
    """A power of ten, 10⁻⁷."""
    return "10" + str(exponent).translate(_SUPERSCRIPTS)


def seconds(value: float) -> str:
    """How long something took."""
    if value < 60:
        return f"{value:.1f} seconds"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s"


def _rounded(value: float) -> str:
    size = abs(value)
    if size >= 1:
        digits = 2
    elif size == 0:
        return "0"
    else:
        significant = 3 if size >= 0.001 else 2
        digits = significant - 1 - math.floor(math.log10(size))
    text = f"{value:.{digits}f}"
    while size < 1 and abs(float(text)) == 1:
        digits += 1
        text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _grouped(text: str) -> str:
    """Groups of three digits on both sides of the point; a few digits stay together."""
    whole, point, part = text.partition(".")
    sign, whole = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    if len(whole) > 4:
        whole = f"{int(whole):,}".replace(",", GROUP)
    if len(part) > 5:
        part = GROUP.join(part[at : at + 3] for at in range(0, len(part), 3))
    return sign + whole + point + part


def _shown(character: str) -> str:
    code = ord(character)
    return f"[{_NAMES[code]}]" if code < len(_NAMES) else f"[U+{code:04X}]"


def _marked_hidden(text: str) -> str:
    parts = _HIDDEN.split(clean(text))
    return "".join(
        f'<span class="hidden">{_shown(part)}</span>' if number % 2 else html.escape(part)
        for number, part in enumerate(parts)
    )
