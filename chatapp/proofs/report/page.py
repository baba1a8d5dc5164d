"""One HTML page for a class: nothing is loaded from anywhere, and nothing in it is a program."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from importlib import resources
from itertools import groupby
from typing import Final

from chatapp.proofs.evidence import (
    Block,
    Check,
    Evidence,
    Measured,
    Paragraph,
    Plot,
    Sent,
    Table,
    Verdict,
    overall,
)
from chatapp.proofs.report.blocks import as_checks, as_measured, as_paragraphs, as_sent
from chatapp.proofs.report.plots import as_figure
from chatapp.proofs.report.setting import as_setting
from chatapp.proofs.report.tables import as_table
from chatapp.proofs.report.text import escaped, seconds, words

TITLE = "chatapp: evidence"

# Even if something from a prompt became markup, it could load nothing and run nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_MARKS: Final[dict[Verdict, tuple[str, str]]] = {
    "held": ("✓", "held"),
    "failed": ("✗", "did not hold"),
    "untested": ("?", "could not be tested"),
}


def as_page(evidence: Sequence[Evidence], *, made: str) -> str:
    """All of ``evidence`` as one HTML document. ``made`` says when, or by whom, it was made."""
    idents = _idents(evidence)
    parts = "".join(_experiment(one, ident) for one, ident in zip(evidence, idents, strict=True))
    header = f'<h1>{TITLE}</h1>\n{_overall(evidence)}<p class="quiet">Made: {words(made)}</p>\n'
    rest = f"{_contents(evidence, idents)}<main>\n{parts}</main>\n{_FOOTER}"
    return document(TITLE, header, rest)


def document(title: str, header: str, rest: str, *, language: str = "en") -> str:
    """A page in one file, with this style. ``header`` and ``rest`` are HTML, ``title`` is text."""
    style = resources.files("chatapp.proofs.report").joinpath("style.css").read_text("utf-8")
    return (
        f'<!DOCTYPE html>\n<html lang="{escaped(language)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escaped(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f"<header>\n{header}</header>\n{rest}</body>\n</html>\n"
    )


_FOOTER = (
    "<footer><p>This page is one file. It holds no program, and it loads nothing. Every number "
    "in it is also in the JSON form of this evidence, unrounded.</p></footer>\n"
)


def _mark(verdict: Verdict) -> str:
    sign, says = _MARKS[verdict]
    return f'<span class="mark"><span aria-hidden="true">{sign}</span> {says}</span>'


def _overall(evidence: Sequence[Evidence]) -> str:
    counts = Counter(one.verdict for one in evidence)
    parts = [
        f"{counts[verdict]} {says}" for verdict, (_, says) in _MARKS.items() if counts[verdict]
    ]
    verdict = overall(evidence)
    total = "1 experiment" if len(evidence) == 1 else f"{len(evidence)} experiments"
    says = f"{total}: {', '.join(parts)}." if parts else "Nothing was tested."
    return f'<p class="overall {verdict}">{_mark(verdict)} <span>{says}</span></p>\n'


def _contents(evidence: Sequence[Evidence], idents: Sequence[str]) -> str:
    entries = "".join(
        f'<li class="{one.verdict}">{_mark(one.verdict)} '
        f'<a href="#{ident}">{words(one.title)}</a></li>\n'
        for one, ident in zip(evidence, idents, strict=True)
    )
    return f'<nav aria-label="Experiments">\n<ul>\n{entries}</ul>\n</nav>\n' if entries else ""


def _experiment(one: Evidence, ident: str) -> str:
    return (
        f'<section class="{one.verdict}" id="{ident}" aria-labelledby="{ident}-title">\n'
        f'<h2 id="{ident}-title">{words(one.title)}</h2>\n'
        f'<p class="claim">{words(one.claim)}</p>\n'
        f'<p class="verdict">{_mark(one.verdict)} <span>{words(one.because)}</span></p>\n'
        f"{_seen(one, ident)}"
        f'<h3>How to repeat it</h3>\n<pre class="command" tabindex="0"><code>'
        f"{escaped(one.command)}</code></pre>\n"
        f'<p class="quiet">It was started at {words(_moment(one.started))} and took '
        f"{seconds(one.seconds)}.</p>\n{as_setting(one.setting)}</section>\n"
    )


def _seen(one: Evidence, ident: str) -> str:
    """The checks first; then everything else in the order in which it was seen."""
    parts = []
    if one.checks:
        parts.append(f"<h3>What was checked</h3>\n{as_checks(one.checks)}\n")
    rest = [block for block in one.blocks if not isinstance(block, Check)]
    if rest:
        parts.append("<h3>What was seen</h3>\n")
    for measured, run in groupby(enumerate(rest), lambda pair: isinstance(pair[1], Measured)):
        blocks = list(run)
        if measured:
            parts.append(as_measured([each for _, each in blocks if isinstance(each, Measured)]))
        else:
            parts += [_block(each, f"{ident}-{number}") for number, each in blocks]
        parts.append("\n")
    return "".join(parts)


def _block(block: Block, ident: str) -> str:
    match block:
        case Paragraph():
            return as_paragraphs(block)
        case Sent():
            return as_sent(block)
        case Plot():
            return as_figure(block, ident)
        case Table():
            return as_table(block)
        case Check() | Measured():  # shown in lists of their own
            return ""


def _moment(started: str) -> str:
    """ISO 8601 as people write it."""
    return started.replace("T", " ", 1).replace("+00:00", " UTC")


def _idents(evidence: Sequence[Evidence]) -> list[str]:
    """A name for each experiment that can stand in an address; the same every time."""
    used: Counter[str] = Counter()
    idents = []
    for one in evidence:
        ident = "e-" + re.sub(r"[^a-z0-9]+", "-", one.name.casefold()).strip("-")
        used[ident] += 1
        # Two dots cannot come out of a name, so this is not the ident of another one.
        idents.append(ident if used[ident] == 1 else f"{ident}..{used[ident]}")
    return idents
