"""Plots: what is drawn is what was measured, and nothing else."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatapp.proofs.evidence import Plot
from chatapp.proofs.report.axis import axis
from chatapp.proofs.report.plots import as_figure
from chatapp.proofs.report.text import GROUP
from tests.proofs.samples import all_of_them

SVG = "{http://www.w3.org/2000/svg}"


def plot(**more: Any) -> Plot:
    fields: dict[str, Any] = {
        "title": "How probable",
        "shape": "bars",
        "labels": ["Ankara", "Priya Raman"],
        "series": {"before": [0.5, 0.25], "told": [1.0, None]},
        "unit": "probability",
    }
    return Plot(**{**fields, **more})


def drawing(plot: Plot) -> ElementTree.Element:
    figure = as_figure(plot, "e-1")
    return ElementTree.fromstring(figure[figure.index("<svg") : figure.index("</svg>") + 6])


def bars(svg: ElementTree.Element) -> dict[str, float]:
    return {
        bar.findtext(f"{SVG}title", ""): float(bar.attrib["width"])
        for bar in svg.iter(f"{SVG}rect")
        if "bar" in bar.get("class", "").split()
    }


def texts(svg: ElementTree.Element) -> list[str]:
    return [(text.text or "").replace(GROUP, " ") for text in svg.iter(f"{SVG}text")]


def test_bars_are_as_long_as_their_values_and_say_them() -> None:
    svg = drawing(plot())
    found = bars(svg)
    assert set(found) == {"Ankara, before: 0.5", "Ankara, told: 1.0", "Priya Raman, before: 0.25"}
    assert found["Ankara, told: 1.0"] == pytest.approx(2 * found["Ankara, before: 0.5"], abs=0.3)
    assert {"Ankara", "Priya Raman", "before", "told", "0.5", "0.25", "1"} <= set(texts(svg))


def test_series_differ_in_more_than_colour() -> None:
    svg = drawing(plot(series={str(n): [1, 2] for n in range(6)}))
    fills = {b"".join(map(ElementTree.tostring, each)) for each in svg.iter(f"{SVG}pattern")}
    assert len(fills) == 6
    svg = drawing(plot(shape="lines", series={str(n): [1, 2] for n in range(6)}))
    shapes = {each.get("d") for each in svg.iter(f"{SVG}path")}
    dashes = {each.get("stroke-dasharray") for each in svg.iter(f"{SVG}polyline")}
    assert len(shapes) == len(dashes) == 6


def test_a_logarithmic_axis_has_a_step_for_each_power_and_no_bar_for_nothing() -> None:
    svg = drawing(plot(series={"p": [1e-6, 1e-3]}, log=True))
    short, long = bars(svg).values()
    ticks = ["10⁻⁷", "10⁻⁶", "10⁻⁵", "10⁻⁴", "0.001", "0.01"]
    assert any(tick in texts(svg) for tick in ticks)
    assert "times the one before" in as_figure(plot(series={"p": [1e-6, 1]}, log=True), "e")
    assert long > 3 * short > 0
    nothing = drawing(plot(series={"p": [0.0, 1e-3]}, log=True))
    assert list(bars(nothing)) == ["Priya Raman, p: 0.001"]
    assert "0" in texts(nothing)


def test_what_is_not_known_is_left_out_and_breaks_the_line() -> None:
    labels = [str(n) for n in range(7)]
    values = [1.0, 2.0, None, float("nan"), 3.0, float("inf"), 4.0]
    svg = drawing(plot(shape="lines", labels=labels, series={"a": values}))
    assert len(list(svg.iter(f"{SVG}polyline"))) == 1  # 3 and 4 stand alone
    assert len([p for p in svg.iter(f"{SVG}path") if "marker" in p.get("class", "")]) == 4
    assert "no values" in as_figure(plot(series={"a": [None, None]}), "e")
    assert "∞" in as_figure(plot(series={"a": [1.0, float("inf")]}), "e")  # but in the table


def test_the_mark_stands_at_its_label_with_its_words() -> None:
    labels = [f"turn {n}" for n in range(30)]
    series = {"P": [float(n) for n in range(30)]}
    given = plot(shape="lines", labels=labels, series=series, mark="turn 17", mark_says="cut here")
    svg = drawing(given)
    mark = next(each for each in svg.iter(f"{SVG}line") if each.get("class") == "mark-line")
    point = next(
        each
        for each in svg.iter(f"{SVG}path")
        if each.findtext(f"{SVG}title") == "turn 17, P: 17.0"
    )
    assert f"translate({mark.get('x1')} " in point.attrib["transform"].replace(".0 ", " ")
    assert "cut here" in texts(svg)
    assert "turn 17" in texts(svg)
    lost = as_figure(plot(mark="elsewhere", mark_says="cut here"), "e")
    assert "elsewhere: cut here" in lost


def test_a_screen_reader_hears_what_is_drawn() -> None:
    for ident, each in enumerate(
        block for one in all_of_them() for block in one.blocks if isinstance(block, Plot)
    ):
        figure = as_figure(each, f"p{ident}")
        svg = ElementTree.fromstring(figure[figure.index("<svg") : figure.index("</svg>") + 6])
        assert svg.get("role") == "img"
        named = [svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")]
        idents = [part.get("id") for part in named if part is not None and part.text]
        assert svg.get("aria-labelledby", "").split() == idents
        assert len(idents) == 2
        assert "<table>" in figure  # and all numbers, for everybody


FLOATS = st.floats(allow_nan=True, allow_infinity=True)


@settings(deadline=None, max_examples=150)
@given(
    labels=st.lists(st.text(max_size=30), max_size=20),
    series=st.dictionaries(
        st.text(max_size=8), st.lists(st.none() | FLOATS, max_size=20), max_size=8
    ),
    shape=st.sampled_from(["bars", "lines"]),
    log=st.booleans(),
)
def test_any_values_can_be_drawn(
    labels: list[str], series: dict[str, list[float | None]], shape: Any, log: bool
) -> None:
    mark = labels[-1] if labels else "none"
    given = plot(labels=labels, series=series, shape=shape, log=log, mark=mark, mark_says="here")
    figure = as_figure(given, "e")
    ElementTree.fromstring(figure)
    drawn = figure.partition("<details>")[0].partition("</h4>")[2]
    assert not re.search(r'="[^"]*\b(nan|inf)\b', re.sub(r"(?s)<(title|desc).*?</\1>", "", drawn))


@example([5e-324], False)
@given(st.lists(st.floats(-1e30, 1e30), min_size=1), st.booleans())
def test_an_axis_holds_its_values(values: list[float], log: bool) -> None:
    made = axis(values, log=log)
    assert all(0 <= made.at(value) <= 1 for value in values)
    assert made.at(max(values)) >= made.at(min(values))
    assert 2 <= len(made.ticks) <= 12
