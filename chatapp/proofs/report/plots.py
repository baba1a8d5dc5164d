"""Plots as inline SVG: no script, no picture file, and the numbers beside them as a table."""

from __future__ import annotations

from chatapp.proofs.evidence import Cell, Plot, Table
from chatapp.proofs.report import svg
from chatapp.proofs.report.axis import Axis, axis
from chatapp.proofs.report.bars import bars
from chatapp.proofs.report.lines import lines
from chatapp.proofs.report.series import Drawn, drawn
from chatapp.proofs.report.tables import scrolling, table_only
from chatapp.proofs.report.text import escaped, number, words


def as_figure(plot: Plot, ident: str) -> str:
    """``plot`` as a figure with its title, how to read it, and its numbers.

    ``ident`` is unique on the page.
    """
    found = drawn(plot)
    if not found.values:
        body = '<p class="quiet">There are no values to draw.</p>'
    else:
        scale = axis(found.values, log=plot.log)
        body = _drawing(plot, found, scale, ident) + _caption(plot, found, scale)
        body += _numbers(plot)
    return f"<figure><h4>{words(plot.title)}</h4>{body}</figure>"


def _drawing(plot: Plot, found: Drawn, scale: Axis, ident: str) -> str:
    if plot.shape == "bars":
        content, high = bars(ident, found, scale)
        content = svg.patterns(ident, len(found.series)) + content
    else:
        content, high = lines(found, scale)
    title = svg.tag("title", escaped(plot.title), id=f"{ident}-title")
    desc = svg.tag("desc", escaped(_description(plot, found)), id=f"{ident}-desc")
    drawing = svg.tag(
        "svg",
        title + desc + content,
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        aria_labelledby=f"{ident}-title {ident}-desc",
        viewBox=f"0 0 {svg.WIDTH} {high:.0f}",
    )
    return scrolling(drawing, plot.title)


def _description(plot: Plot, found: Drawn) -> str:
    """The plot for those who do not see it; the table below has every number."""
    parts = [f"A plot of {plot.shape} with {len(found.labels)} labels."]
    for name, values in found.series.items():
        known = [(value, label) for value, label in zip(values, found.labels, strict=True)
                 if value is not None]  # fmt: skip
        if not known:
            parts.append(f"{name}: no values.")
            continue
        (low, at_low), (high, at_high) = min(known), max(known)
        parts.append(
            f"{name}: smallest {number(low)} at {at_low}, largest {number(high)} at {at_high}."
        )
    if found.mark is not None:
        parts.append(f"Marked: {found.mark}. {found.mark_says}")
    return " ".join(parts)


def _caption(plot: Plot, found: Drawn, scale: Axis) -> str:
    parts = [scale.says]
    if plot.mark is not None and (plot.shape == "bars" or found.mark is None):
        parts.append(f"{plot.mark}: {plot.mark_says}")
    says = " ".join(part for part in parts if part)
    return f"<figcaption>{words(says)}</figcaption>" if says else ""


def _numbers(plot: Plot) -> str:
    columns = ["", *(name or plot.unit or "value" for name in plot.series)]
    rows: list[list[Cell]] = [
        [label, *(values[at] if at < len(values) else None for values in plot.series.values())]
        for at, label in enumerate(plot.labels)
    ]
    table = Table(title=plot.title, columns=columns, rows=rows)
    return f"<details><summary>The numbers of this plot</summary>{table_only(table)}</details>"
