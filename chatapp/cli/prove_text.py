"""Evidence as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from chatapp.cli.text import clean
from chatapp.proofs.evidence import Block, Cell, Check, Evidence, Paragraph, Plot, Sent, Table
from chatapp.proofs.evidence import overall as verdict_on
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.report.text import number

__all__ = ["VERDICTS", "listing", "summary", "told"]

VERDICTS = {"held": "held", "failed": "DID NOT HOLD", "untested": "could not be tested here"}
LEARNING = (
    "The only road from a chat to weights: correct, forget, agree, export, train, and then a new "
    "session knows. Takes minutes and the fine-tuning job (pip install 'chatapp[finetune]'), so it "
    "runs when it is named."
)
_WIDTH = 79
_BAR = 24
_NAME = 22


def listing(experiments: Iterable[Experiment]) -> str:
    """All experiments with what they claim."""
    lines = ["Experiments. Each runs on the real model, and can fail."]
    for one in experiments:
        lines += ["", one.name, *_wrapped(one.claim, "  ")]
    lines += ["", "learning", *_wrapped(LEARNING, "  ")]
    return "\n".join([*lines, "", "Run one: chatapp prove NAME    All: chatapp prove --all"])


def summary(found: Sequence[Evidence], seconds: float) -> str:
    """The verdict on all of them, in a line."""
    counts = {name: sum(one.verdict == name for one in found) for name in VERDICTS}
    parts = [f"{count} {VERDICTS[name]}" for name, count in counts.items() if count]
    return f"\n{'; '.join(parts)}. {seconds:.0f} s in all: {VERDICTS[verdict_on(found)]}."


def told(evidence: Evidence, *, whole: bool) -> str:
    """One experiment: its claim and verdict, and, if ``whole``, all that was seen."""
    mark = {"held": "✓", "failed": "✗", "untested": "?"}[evidence.verdict]
    lines = [
        f"{mark} {evidence.name}: {VERDICTS[evidence.verdict]}  ({evidence.seconds:.1f} s)",
        *_wrapped(evidence.claim, "  "),
    ]
    if not whole:
        lines += _wrapped(evidence.because, "  ")
        lines += [line for check in evidence.checks if not check.held for line in _check(check)]
        return clean("\n".join(lines))
    for block in evidence.blocks:
        if not isinstance(block, Check):
            lines += _block(block)
    lines += ["", "  What was checked"]
    lines += [line for check in evidence.checks for line in _check(check)]
    setting = evidence.setting
    lines += [
        "",
        *_wrapped(evidence.because, "  "),
        "",
        f"  weights  {setting.weights}",
        f"  SHA-256  {setting.sha256}",
        f"  with     chatapp {setting.chatapp}, llama.cpp {setting.llama_cpp}, {setting.system}",
        f"  again    {evidence.command}",
    ]
    return clean("\n".join(lines))


def _check(check: Check) -> list[str]:
    lines = _wrapped(check.says, "  ✓ " if check.held else "  ✗ ", "    ")
    if not check.held:
        lines += _wrapped(f"expected: {check.expected}", "      ", "        ")
        lines += _wrapped(f"found:    {check.found}", "      ", "        ")
    return lines


def _block(block: Block) -> list[str]:
    if isinstance(block, Paragraph):
        return ["", *_wrapped(block.text, "  ")]
    if isinstance(block, Sent):
        head = f"  {block.title}: {len(block.tokens)} tokens"
        lines = ["", head, *(f"  │ {line}" for line in block.text.splitlines())]
        if block.answer is not None:
            lines += ["  answer:", *_wrapped(block.answer.strip(), "  ▸ ", "    ")]
        return lines
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Plot):
        return _plot(block)
    return []  # token ids and log-probabilities: --json and --report have them


def _table(table: Table) -> list[str]:
    """Rows one under another where they are too wide to stand side by side."""
    lines = ["", f"  {table.title}"]
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    widths = [
        max(len(text) for text in column) for column in zip(table.columns, *rows, strict=True)
    ]
    if sum(widths) + 2 * len(widths) <= _WIDTH:
        for row in [table.columns, *rows]:
            cells = (f"{text:<{width}}" for text, width in zip(row, widths, strict=True))
            lines.append(("  " + "  ".join(cells)).rstrip())
    else:
        for row in rows:
            lines.append("  ·")
            for name, text in zip(table.columns, row, strict=True):
                name = name or "·"
                lines += _wrapped(f"{name}: {text}", "    ", "      ")
    return lines + (_wrapped(table.note, "  ") if table.note else [])


def _plot(plot: Plot) -> list[str]:
    lines = ["", f"  {plot.title}" + (f" ({plot.unit})" if plot.unit else "")]
    values = [v for series in plot.series.values() for v in series if v is not None]
    top = max(values, default=0.0) or 1.0
    for n, label in enumerate(plot.labels):
        lines.append(f"  {label.strip()}" + (f"  ← {plot.mark_says}" if label == plot.mark else ""))
        for name, series in plot.series.items():
            value = series[n]
            if value is not None:
                bar = "█" * round(_BAR * value / top) or "▏"
                lines.append(f"    {name:<{_NAME}} {bar:<{_BAR}} {number(value)}")
    return lines


def _cell(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return number(cell)
    return " ".join(str(cell).split())


def _wrapped(text: str, first: str, rest: str | None = None) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=rest if rest is not None else first
    )
