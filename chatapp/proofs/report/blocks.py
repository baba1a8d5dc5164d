"""Checks, prompts and measurements as HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest

from chatapp.proofs.evidence import Check, Measured, Paragraph, Sent, Table
from chatapp.proofs.report.tables import table_only
from chatapp.proofs.report.text import exact, has_control_tokens, number, words

_MANY = 6  # more checks than this are not all shown at once


def as_paragraphs(block: Paragraph) -> str:
    """Plain words; an empty line begins a new paragraph."""
    return "".join(f"<p>{words(part)}</p>" for part in block.text.split("\n\n") if part.strip())


def as_checks(checks: Sequence[Check]) -> str:
    """What was compared: whatever did not hold comes first and is never folded away."""
    failed = [check for check in checks if not check.held]
    held = [check for check in checks if check.held]
    folded = len(checks) > _MANY and bool(held)
    shown = failed if folded else [*failed, *held]
    parts = [_list(shown)] if shown else []
    if folded:
        says = f"{'The other' if failed else 'All'} {len(held)} checks: held"
        parts.append(f"<details><summary>{says}</summary>{_list(held)}</details>")
    return "".join(parts)


def _list(checks: Sequence[Check]) -> str:
    return f'<ul class="checks">{"".join(map(_check, checks))}</ul>'


def _check(check: Check) -> str:
    verdict, sign, says = ("held", "✓", "held") if check.held else ("failed", "✗", "did not hold")
    compared = ""
    if check.expected or check.found:
        compared = (
            '<dl class="compared">'
            f"<div><dt>expected</dt><dd>{words(check.expected) or '∅'}</dd></div>"
            f"<div><dt>found</dt><dd>{words(check.found) or '∅'}</dd></div></dl>"
        )
    return (
        f'<li class="{verdict}"><span class="mark"><span aria-hidden="true">{sign}</span> {says}'
        f"</span><div><p>{words(check.says)}</p>{compared}</div></li>"
    )


def as_sent(block: Sent) -> str:
    """A prompt as it was sent, the answer, and the token ids of both."""
    hint = ""
    if has_control_tokens(block.text):
        hint = (
            '<p class="quiet">Marked: what is written like a control token. '
            "The token ids show what it is.</p>"
        )
    parts = [
        f"<h4>{words(block.title)}</h4>",
        f'<p class="quiet">Sent to the model: {_tokens(len(block.tokens))}, nothing else.</p>',
        _text(block.text, "sent to the model"),
        hint,
    ]
    if block.answer is not None:
        parts += ['<p class="quiet">It answered:</p>', _text(block.answer, "the answer", "answer")]
    parts.append(_ids("Token ids sent", block.tokens))
    if block.answer_tokens:
        parts.append(_ids("Token ids of the answer", block.answer_tokens))
    return f'<div class="sent">{"".join(parts)}</div>'


def as_measured(blocks: Sequence[Measured]) -> str:
    """Log-probabilities with all that another program needs to compute them again."""
    return (
        "<details><summary>Measured log-probabilities, to compute again "
        f"({len(blocks)})</summary>{''.join(map(_measured, blocks))}</details>"
    )


def _measured(block: Measured) -> str:
    total = math.fsum(block.logprobs)
    rows = [
        [str(token), None if logprob is None else repr(float(logprob)), logprob]
        for token, logprob in zip_longest(block.tokens, block.logprobs)
    ]
    columns = ["token id", "log-probability (nats), exact", "rounded"]
    probability = number(math.exp(total)) if total < 700 else "∞"
    return (
        f"<h4>{words(block.title)}</h4>"
        f'<p>The probability of <code class="text">{exact(block.text)}</code> behind the tokens '
        f"below is {probability}: e to the power of {number(total)}, the sum of the "
        "log-probabilities.</p>"
        f"{table_only(Table(title=block.title, columns=columns, rows=rows))}"
        f"{_ids('Token ids before it', block.context)}"
    )


def _text(text: str, label: str, look: str = "prompt") -> str:
    return (
        f'<pre class="{look}" tabindex="0" role="region" aria-label="{label}">'
        f"<code>{exact(text)}</code></pre>"
    )


def _ids(says: str, tokens: Sequence[int]) -> str:
    listed = ", ".join(str(token) for token in tokens)
    return (
        f"<details><summary>{says} ({len(tokens)})</summary>"
        f'<pre class="ids" tabindex="0"><code>{listed}</code></pre></details>'
    )


def _tokens(count: int) -> str:
    return "1 token" if count == 1 else f"{number(count)} tokens"
