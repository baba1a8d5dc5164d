"""What ``chatapp bench`` prints: bars in plain text."""

from __future__ import annotations

import textwrap
from typing import Any

from chatapp.cli.bench_measure import Measured
from chatapp.cli.text import clean, size

__all__ = ["as_dict", "lines"]

_WIDTH = 79


def lines(found: Measured, processor: str | None) -> list[str]:
    """The report, at most 80 columns wide."""
    out = _head(found, processor)
    if not found.rows:
        return [*out, "", "Nothing was measured."]
    out += ["", "Tokens a second"]
    speeds = {"reading a prompt": found.reading, "writing a reply": found.writing}
    most = max(value for value in speeds.values() if value is not None)
    for name, value in speeds.items():
        told = f"{value:>8,.0f}  " if value is not None else "not told"
        out.append(f"  {name:<18}{told}{_bar(value or 0.0, most, 30)}".rstrip())
    out += ["", "Seconds to the first token, by length of the transcript"]
    most = max(max(row.afresh.first_seconds, row.again.first_seconds) for row in found.rows)
    for row in found.rows:
        for name, answer, mark in (("afresh", row.afresh, "#"), ("next turn", row.again, "=")):
            begin = f"  {answer.tokens:>7,} tokens  {name:<9} {answer.first_seconds:>8.2f}  "
            out.append(begin + _bar(answer.first_seconds, most, _WIDTH - len(begin), mark))
    return [*out, "", *_wrapped(_meaning(found))]


def _head(found: Measured, processor: str | None) -> list[str]:
    ready = found.ready
    if ready is None:
        return []
    repeatable = {True: "yes", False: "no", None: "not tested"}[found.repeatable]
    cache = f", {size(ready.kv_bytes)}" if ready.kv_bytes is not None else ""
    out = [
        f"Model       {clean(ready.model + ready.added)}",
        f"Processor   {processor or 'not told'}, {ready.threads} threads",
        f"Window      {ready.window:,} tokens (KV cache: {ready.kv_type}{cache})",
        f"Repeatable  {repeatable}",
    ]
    return out + (_wrapped(ready.note) if ready.note else [])


def _meaning(found: Measured) -> str:
    row = found.rows[-1]
    afresh = "afresh: everything is computed, as at the start of a session."
    if not found.reuse:
        return (
            f"{afresh} next turn: the same conversation goes on. Reuse is off, so everything is "
            "computed again."
        )
    return (
        f"{afresh} next turn: the same conversation goes on. All of it is sent again; what was "
        f"computed before is not computed again (in the last row {row.again.reused:,} of "
        f"{row.again.tokens:,} tokens). The answers are the same, bit for bit, either way."
        if found.repeatable
        else f"{afresh} next turn: the same conversation goes on."
    )


def _bar(value: float, most: float, width: int, mark: str = "#") -> str:
    return mark * max(round(width * value / most), 1) if value > 0 and most > 0 else ""


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH)


def as_dict(found: Measured, processor: str | None) -> dict[str, Any]:
    """The same for programs; speeds in tokens a second, times in seconds."""
    ready = found.ready
    return {
        "complete": found.complete,
        "model": ready.model if ready else None,
        "processor": processor,
        "threads": ready.threads if ready else None,
        "window": ready.window if ready else None,
        "kv_type": ready.kv_type if ready else None,
        "kv_bytes": ready.kv_bytes if ready else None,
        "gpu_layers": ready.gpu_layers if ready else None,
        "reuse": found.reuse,
        "repeatable": found.repeatable,
        "note": ready.note if ready else None,
        "reading_tokens_per_second": found.reading and round(found.reading, 2),
        "writing_tokens_per_second": found.writing and round(found.writing, 2),
        "transcripts": [row.as_dict() for row in found.rows],
    }
