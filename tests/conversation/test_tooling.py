"""What answers a call: a calculator and a clock."""

from __future__ import annotations

import time
import warnings
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.context.tools import Call
from chatapp.conversation.arithmetic import compute
from chatapp.conversation.tooling import answer
from chatapp.errors import ChatappError

NOON = datetime(2026, 11, 25, 12, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("12 * 7", "84"),
        ("12 × 7 =", "84"),
        ("0.1 + 0.2", "0.3"),
        ("1,234,567 * 2", "2469134"),
        ("99999999999 * 99999999999", "9999999999800000000001"),
        ("2^10", "1024"),
        ("-2 ** 2", "-4"),
        ("2 ** -3", "0.125"),
        ("7 // 2 + 7 % 2", "4"),
        ("250 / 4", "62.5"),
        ("1 / 3", "0.333333333333 (rounded)"),
        ("10 ** 20 / 3", "3.33333333333e+19 (rounded)"),
        ("1 ** 999999999", "1"),
        ("((2 + 3)) * -(4)", "-20"),
    ],
)
def test_arithmetic_is_exact(expression: str, value: str) -> None:
    assert compute(expression) == value


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "not an arithmetic expression"),
        ("twelve times seven", "not an arithmetic expression"),
        ("((((1", "not an arithmetic expression"),
        ("0" + "1" * 10, "not an arithmetic expression"),
        ("1 / 0", "divided by zero"),
        ("0 ** -1", "divided by zero"),
        ("2 ** 0.5", "whole powers"),
        ("9 ** 9 ** 9", "too large"),
        ("2 ** -99999999", "too large"),
        ("1e-999999999", "0"),
        ("1e999999999", "too large"),
        ("1e300 * 1e10", "too large"),
        ("9" * 180, "too large"),
        ("1 + " * 100 + "1", "has more"),
        ("abs(-1)", "Only numbers"),
        ("True + 1", "Only numbers"),
        ("'a' * 9", "Only numbers"),
        ("(1, 2)", "Only numbers"),
        ("x := 3", "not an arithmetic expression"),
        ("(lambda: 1)()", "Only numbers"),
        ("().__class__", "Only numbers"),
        ("3j", "Only numbers"),
        ("1 if 2 else 3", "Only numbers"),
    ],
)
def test_what_cannot_be_computed_is_said(expression: str, why: str) -> None:
    began = time.monotonic()
    with warnings.catch_warnings(action="error"):
        if why == "0":
            assert compute(expression) == "0"
        else:
            with pytest.raises(ChatappError, match=why):
                compute(expression)
    assert time.monotonic() - began < 5  # a number of a milliard digits takes for ever


@given(
    st.recursive(
        st.integers(0, 10**6).map(str),
        lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(
            lambda three: f"({three[0]} {three[1]} {three[2]})"
        ),
        max_leaves=8,
    )
)
def test_whole_numbers_are_computed_as_python_computes_them(expression: str) -> None:
    if len(expression) <= 200:
        assert Fraction(compute(expression)) == eval(expression)


@given(st.text(alphabet="0123456789+-*/%().e^_, j") | st.text())
def test_any_text_is_computed_or_refused(expression: str) -> None:
    try:
        assert len(compute(expression)) < 200
    except ChatappError as error:
        assert str(error).endswith(".")


def call(name: str, **arguments: object) -> str:
    return answer(Call(name, arguments), NOON)


def test_the_calculator_says_what_it_computed() -> None:
    assert call("calculator", expression=" 12 *\n7 ") == "12 * 7 = 84"
    assert call("calculator", expression=84) == "84 = 84"
    assert call("calculator", expression="1/0") == "Nothing can be divided by zero."


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"expression": None},
        {"expression": ["1"]},
        {"a": "1"},
        {"expression": "1", "digits": 3},
        {"expression": True},
    ],
)
def test_wrong_arguments_are_said(wrong: dict[str, object]) -> None:
    assert call("calculator", **wrong).startswith("The calculator takes one argument")


def test_the_clock_tells_date_time_weekday_and_zone() -> None:
    assert call("clock") == "Wednesday, 2026-11-25, 12:05 (UTC+00:00)"
    zone = timezone(timedelta(hours=-3, minutes=-30), "NST")
    assert answer(Call("clock"), NOON.astimezone(zone)) == (
        "Wednesday, 2026-11-25, 08:35 (NST, UTC-03:30)"
    )
    assert call("clock", city="Paris") == "The clock takes no arguments."


def test_an_unknown_tool_and_a_broken_call_are_answered_in_a_sentence() -> None:
    assert call("math") == "There is no tool named “math”. There are: calculator, clock."
    assert "\n" not in call("a\nb\x1b[31m" * 50)
    assert "\x1b" not in call("\x1b[31m")
    assert answer(Call(problem="The call is broken."), NOON) == "The call is broken."
