"""Pieces of SVG: text that fits, and fills and marks that differ in more than colour."""

from __future__ import annotations

import unicodedata

from chatapp.proofs.report.text import GROUP, escaped

WIDTH = 560
"""All drawings are this wide, in their own units."""

STYLES = 6
"""So many series look different; with more, the looks begin again."""

_HATCHES = (
    '<rect width="8" height="8" class="fill"/>',
    '<path d="M-2 2 2-2M0 8 8 0M6 10 10 6" class="hatch"/>',
    '<circle cx="4" cy="4" r="1.8" class="fill"/>',
    '<path d="M0 0 8 8M0 8 8 0" class="hatch"/>',
    '<path d="M0 4H8" class="hatch"/>',
    '<path d="M4 0V8" class="hatch"/>',
)
_DASHES = ("", "9 4", "2 4", "12 4 2 4", "6 2", "1 3")
_MARKERS = (
    "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z",
    "M-4-4H4V4H-4z",
    "M0-5.5 5 4H-5z",
    "M0-6 5.5 0 0 6-5.5 0z",
    "M-5-1.5H-1.5V-5H1.5V-1.5H5V1.5H1.5V5H-1.5V1.5H-5z",
    "M0 5.5-5-4H5z",
)


def tag(name: str, content: str = "", **attributes: str | float) -> str:
    """An element. ``content`` is markup; attributes are escaped, ``class_`` is ``class``."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for key, value in attributes.items()
        if value != ""
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def text(x: float, y: float, says: str, *, anchor: str = "start", look: str = "") -> str:
    """A line of text, escaped."""
    return tag("text", escaped(says), x=x, y=y, text_anchor=anchor, class_=look)


def width(says: str, size: float = 16, *, strong: bool = False) -> float:
    """About how wide a line of text is; rather too much than too little. Bold ones are wider."""
    return size * sum(map(_ems, says)) * (1.2 if strong else 1.0)


def fitted(says: str, room: float, size: float = 16) -> str:
    """``says`` on one line, cut with "…" where it would be wider than ``room``."""
    says = " ".join(says.split())
    if width(says, size) <= room:
        return says
    while says and width(says + "…", size) > room:
        says = says[:-1]
    return says.rstrip() + "…"


def look(series: int) -> str:
    """The class that gives a series its colour."""
    return f"s{series % STYLES}"


def patterns(ident: str, count: int) -> str:
    """What bars are filled with. ``ident`` makes the names unique on the page."""
    made = [
        tag(
            "pattern",
            '<rect width="8" height="8" class="ground"/>' + _HATCHES[each],
            id=f"{ident}-fill-{each}",
            class_=look(each),
            width=8,
            height=8,
            patternUnits="userSpaceOnUse",
        )
        for each in range(min(count, STYLES))
    ]
    return tag("defs", "".join(made))


def bar(ident: str, series: int, x: float, y: float, wide: float, high: float, says: str) -> str:
    """A bar; ``says`` is shown where a pointer rests on it."""
    return tag(
        "rect",
        tag("title", escaped(says)),
        x=x,
        y=y,
        width=wide,
        height=high,
        fill=f"url(#{ident}-fill-{series % STYLES})",
        class_=f"bar {look(series)}",
    )


def marker(series: int, x: float, y: float, says: str = "") -> str:
    """A point of a line: another shape for each series."""
    title = tag("title", escaped(says)) if says else ""
    return tag(
        "path",
        title,
        d=_MARKERS[series % STYLES],
        transform=f"translate({x:.1f} {y:.1f})",
        class_=f"marker {look(series)}",
    )


def line(series: int, points: list[tuple[float, float]]) -> str:
    """A line through ``points``: other dashes for each series."""
    return tag(
        "polyline",
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points),
        stroke_dasharray=_DASHES[series % STYLES],
        class_=f"line {look(series)}",
    )


def _ems(character: str) -> float:
    if character in (GROUP, " ", ".", ","):
        return 0.3
    return 1.0 if unicodedata.east_asian_width(character) in "WF" else 0.6


def _attribute(value: str | float) -> str:
    return escaped(value) if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
