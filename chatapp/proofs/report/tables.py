"""Tables as HTML: numbers to the right, and a wide one scrolls in its own box."""

from __future__ import annotations

from collections.abc import Sequence

from chatapp.proofs.evidence import Cell, Table
from chatapp.proofs.report.text import cell, escaped, words


def as_table(table: Table) -> str:
    """``table`` with its title and note."""
    note = f'<p class="quiet">{words(table.note)}</p>' if table.note else ""
    return f"<h4>{words(table.title)}</h4>{table_only(table)}{note}"


def table_only(table: Table) -> str:
    """``table`` without its title, which screen readers still hear."""
    numeric = [_numeric(table, at) for at in range(len(table.columns))]
    head = "".join(
        f'<th scope="col"{_side(right)}>{words(name)}</th>'
        for name, right in zip(table.columns, numeric, strict=True)
    )
    body = "".join(f"<tr>{_row(row, numeric)}</tr>" for row in table.rows)
    return scrolling(
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>", table.title
    )


def scrolling(content: str, label: str) -> str:
    """``content`` in a box that scrolls sideways, by keyboard too."""
    says = f'role="region" tabindex="0" aria-label="{escaped(label)}"'
    return f'<div class="scroll" {says}>{content}</div>'


def _row(row: Sequence[Cell], numeric: list[bool]) -> str:
    parts = []
    for at, value in enumerate(row):
        # The first cell names its row, unless it is itself a measured number.
        name = 'th scope="row"' if at == 0 and not isinstance(value, float) else "td"
        side = _side(at < len(numeric) and numeric[at])
        parts.append(f"<{name}{side}>{cell(value)}</{name[:2]}>")
    return "".join(parts)


def _numeric(table: Table, column: int) -> bool:
    cells = [row[column] for row in table.rows if column < len(row) and row[column] is not None]
    return bool(cells) and all(
        isinstance(each, (int, float)) and not isinstance(each, bool) for each in cells
    )


def _side(right: bool) -> str:
    return ' class="number"' if right else ""
