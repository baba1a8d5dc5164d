"""Checks that tell a value from something that only looks like one. Each takes a match."""

from __future__ import annotations

import ipaddress
import re
import string
from typing import Final

from chatapp.archive.redaction.scanning import Span

MARKER: Final = re.compile(r"\[([A-Z][A-Z0-9_]*) (\d{1,6})\]")
"""What stands where something was: ``[EMAIL 1]``."""


def email(match: re.Match[str]) -> Span | None:
    """An address without what an assignment, a path or a bracket put before it."""
    line, (start, end) = match.string, match.span()
    local = line[start : line.index("@", start)]
    start += max(map(local.rfind, "/={}|~^!#$&*?`")) + 1
    if line[start] == "@" or line.startswith("git@", start):
        return None  # git@github.com: everybody's, a login of a service
    return None if in_url(line, start) else (start, end)


def in_url(line: str, start: int) -> bool:
    """Whether what starts there is ``word@host`` in ``https://user:word@host``: no address, but a
    password, and found as one."""
    return bool(_USER_OF_URL.search(line, 0, start))


_USER_OF_URL: Final = re.compile(r"://[^\s/@:]*:[^\s/]*\Z")


def phone(match: re.Match[str]) -> Span | None:
    """Ten digits in a row are a time stamp or an id as often as a telephone number: they count
    only in a line that speaks of one. A plus alone may be a sum or a coordinate."""
    line, (start, end), value = match.string, match.span(), match.group()
    number = digits(value)
    if _JOINED_BEFORE.search(line, max(0, start - 2), start) or _JOINED_BEHIND.match(line, end):
        return None
    if " " in value and (
        _NUMBER_BEFORE.search(line, max(0, start - 4), start) or _NUMBER_BEHIND.match(line, end)
    ):
        return None  # a row of numbers
    if re.fullmatch(r"\+?\d+\.\d+", value):
        return None  # a decimal
    if value.startswith("+"):
        sound = len(number) >= 9 and len(set(number)) > 2 and number[0] != "0"
        return (start, end) if sound else None
    if number == value:
        return (start, end) if _PHONE_WORD.search(line, 0, start) else None
    # The first digit of an area code is never 0 or 1: 100 200 3000 is three numbers.
    return (start, end) if number[-10] not in "01" else None


_PHONE_WORD: Final = re.compile(
    r"(?<!\[)\b(?:tele)?(?:phone|fon)\b|\b(?:tel|mobile|cell|handy|whatsapp|fax)\b"
    r"|\b(?:call|text|reach|ring)\s+(?:me|us|him|her|them)\b",
    re.I,
)
_JOINED_BEFORE: Final = re.compile(r"(?:\d[.,:/-]|[$€£¥][ \t]?)\Z")
_JOINED_BEHIND: Final = re.compile(r"[.,:/-]\d|[ \t]?[%€]")
_NUMBER_BEFORE: Final = re.compile(r"\d{3}[ \t]\Z")
_NUMBER_BEHIND: Final = re.compile(r"[ \t]\d{3}")


def ssn(match: re.Match[str]) -> Span | None:
    """Nine digits without dashes are any number; with more digits joined on, an ISBN."""
    line, (start, end) = match.string, match.span()
    joined = line[start - 1 : start] == "-" or re.match(r"-\d", line[end : end + 2])
    return None if "-" not in match.group() or joined else (start, end)


def card(match: re.Match[str]) -> Span | None:
    """The check digit is right (ISO/IEC 7812): nine of ten other numbers fail."""
    line, start, number = match.string, match.start(), digits(match.group())
    if _DECIMAL.search(line, max(0, start - 2), start):
        return None
    pairs = (2 * int(digit) for digit in number[-2::-2])
    total = sum(map(int, number[-1::-2])) + sum(pair - 9 if pair > 9 else pair for pair in pairs)
    return None if total % 10 or len(set(number)) < 2 else match.span()


_DECIMAL: Final = re.compile(r"\d[.,]\Z")


def iban(match: re.Match[str]) -> Span | None:
    """The check digits are right (ISO 13616), perhaps without the words that follow."""
    value = match.group()
    while len(plain := value.replace(" ", "").upper()) >= 15:
        if len(plain) <= 34 and int((plain[4:] + plain[:4]).translate(_IBAN_LETTERS)) % 97 == 1:
            return match.start(), match.start() + len(value)
        value = value.rpartition(" ")[0]
    return None


_IBAN_LETTERS: Final = {ord(char): str(int(char, 36)) for char in string.ascii_uppercase}


def ip(match: re.Match[str]) -> Span | None:
    """An address of the public network that is somebody's: not a private or documentation range,
    not a resolver that everybody names, not a version or a section number."""
    line, (start, end) = match.string, match.span()
    try:
        address = ipaddress.ip_address(match.group())
    except ValueError:
        return None
    joined = line[start - 1 : start] == "." or _IP_GOES_ON.match(line, end)
    if joined or not address.is_global or match.group() in _RESOLVERS:
        return None
    if address.version == 4 and max(address.packed) < 64:
        # 2.5.29.15: one address in 250 is so small, most object identifiers and versions are.
        return (start, end) if _ADDRESS_WORD.search(line, 0, start) else None
    return None if _VERSION_WORD.search(line, max(0, start - 20), start) else (start, end)


_IP_GOES_ON: Final = re.compile(r"\.\w|/\d{1,2}(?![\w/])")  # a longer number, a network
_RESOLVERS: Final = frozenset({"1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9"})
_VERSION_WORD: Final = re.compile(
    r"\b(?:version|release|section|chapter|build|update)s?:?\s*\Z|[=><~^]=\s*\Z", re.I
)
_ADDRESS_WORD: Final = re.compile(r"(?<!\[)\b(?:ip|ipv4|address|host|server|ssh|ping)\b|://", re.I)


def digits(text: str) -> str:
    """The decimal digits of a text, in any script, as 0 to 9."""
    return "".join(str(int(char)) for char in text if char.isdecimal())


_PLACEHOLDERS: Final = re.compile(
    r"(?:user(?:name)?|pass(?:word|wd|wort)?|pwd|pw|secret|token|key|x+|\*+|\.+|…|%\w"
    r"|\{.*\}|<.*>|\$\{.*\}|\$\w+|\[.*\]|(?:your|my|the|some)?[_-]?(?:password|pass|secret|token|key))",
    re.I,
)


def written(value: str) -> bool:
    """Whether a value behind "password" is one, not a stand-in: ``{password}``, ``[KEY 1]``."""
    return not _PLACEHOLDERS.fullmatch(value)


def mixed(value: str) -> bool:
    """Whether a value holds letters and digits. A chosen word, or ``your-api-key``, does not."""
    return any(map(str.isdigit, value)) and any(map(str.isalpha, value))
