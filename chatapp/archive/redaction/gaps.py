"""What both libraries miss though it has a fixed form: few rules, each with a check if it can be.

Nobody's rules find a name, a street or a story. That is what the review is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from chatapp.archive.redaction import checks
from chatapp.archive.redaction.keys import is_token
from chatapp.archive.redaction.scanning import Rule, Span

_LETTER: Final = r"A-Za-z0-9\u00c0-\u024f\u0370-\u052f"  # Latin, Greek and Cyrillic
_NOT_IN_WORD: Final = r"(?<![A-Za-z0-9_-])"


def _foreign(match: re.Match[str]) -> Span | None:
    """Only what DataFog cannot see: an address with letters beyond ASCII."""
    ours = not match.group().isascii() and not checks.in_url(match.string, match.start())
    return match.span() if ours else None


def _url_password(match: re.Match[str]) -> Span | None:
    return match.span(1) if checks.written(match.group(1)) else None


def _token(name: str, kind: str, pattern: str, needs: str) -> Rule:
    return Rule(kind, f"chatapp/{name}", re.compile(_NOT_IN_WORD + pattern), needs=needs)


GAPS: Final = (
    Rule(
        "EMAIL",
        "chatapp/email",
        re.compile(
            rf"(?<![{_LETTER}._%+-])[{_LETTER}._%+-]{{1,64}}@"
            rf"[{_LETTER}-]{{1,63}}(?:\.[{_LETTER}-]{{1,63}}){{0,5}}\.[{_LETTER}]{{2,24}}"
        ),
        _foreign,
        needs="@",
    ),
    Rule(
        "PASSWORD",
        "chatapp/url-password",  # detect-secrets stops at the marks that passwords are made of
        re.compile(r"://[^\s/:@]{0,100}:([^\s/]{1,200})@(?=[\w.-])"),
        _url_password,
        needs="://",
    ),
    Rule(
        "CARD",
        "chatapp/card",  # Mastercard 2221-2720, Discover, UnionPay, JCB, Diners
        re.compile(
            r"(?<![\w.,-])(?:2[2-7]\d\d|6011|64[4-9]\d|65\d\d|62\d\d|35[2-8]\d)"
            r"(?:[ -]?\d{4}){3}(?![\w-])"
            r"|(?<![\w.,-])3(?:0[0-5]|[68]\d)\d[ -]?\d{6}[ -]?\d{4}(?![\w-])"
        ),
        checks.card,
    ),
    Rule(
        "IBAN",
        "chatapp/iban",
        re.compile(
            r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)", re.I | re.A
        ),
        checks.iban,
    ),
    Rule(
        "IP",
        "chatapp/ipv6",
        re.compile(r"(?<![\w:.])[23][0-9a-f]{3}:[0-9a-f:]{2,34}(?<!:)(?![\w:])", re.I),
        checks.ip,
        needs=":",
    ),
    _token("anthropic", "ANTHROPIC_KEY", r"sk-ant-[A-Za-z0-9_-]{20,}", "sk-ant-"),
    _token(
        "openai", "OPENAI_KEY", r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}|sk-\w{48}", "sk-"
    ),
    _token("github", "GITHUB_TOKEN", r"github_pat_\w{22,}", "github_pat_"),
    _token("google", "GOOGLE_KEY", r"AIza[A-Za-z0-9_-]{35}", "AIza"),
    _token("hugging-face", "HUGGING_FACE_TOKEN", r"hf_[A-Za-z0-9]{30,}", "hf_"),
    _token("npm", "NPM_TOKEN", r"npm_[A-Za-z0-9]{36}", "npm_"),
)

_BLOCKS: Final = (
    # A key may have been pasted without its end: then as far as its lines go.
    (
        re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"),
        re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"),
    ),
    (re.compile(r"PuTTY-User-Key-File-\d:"), re.compile(r"Private-MAC: *[0-9a-f]+")),
)
_REST: Final = re.compile(
    r"(?:[ \t]*(?:\n|\\n)[ \t>]*[A-Za-z0-9+/=]{20,100}(?=[ \t]*(?:\n|\\n|\Z)))+"
)
_BODY: Final = re.compile(r"[A-Za-z0-9+/=]{20}")
_LONGEST_KEY: Final = 20_000  # characters; RSA with 16,384 bits takes 13,000
_JWT: Final = re.compile(r"(?<![\w-])(eyJ[\w-]++={0,2}\.[\w-]++={0,2})(?:\.[\w+/-]++={0,2})*", re.A)


def long_ones(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Values too long for one line or window, as ``(kind, rule, start, end)``."""
    for begin, finish in _BLOCKS:
        at = 0
        while match := begin.search(text, at):
            end = finish.search(text, match.end(), match.end() + _LONGEST_KEY)
            rest = end or _REST.match(text, match.end(), match.end() + _LONGEST_KEY)
            at = rest.end() if rest else match.end()
            if _BODY.search(text, match.end(), at):  # not only the words for it
                yield "PRIVATE_KEY", "chatapp/private-key", match.start(), at
    if "eyJ" in text:
        for match in _JWT.finditer(text):
            if is_token(match.group(1)):
                yield "JWT", "detect-secrets/JwtTokenDetector", *match.span()
