"""Arithmetic on a text: numbers, operators and brackets, exact, within limits.

Python's own parser reads it and nothing of it is run: each node is looked at, and what is no
arithmetic is refused. Numbers are fractions, so 0.1 + 0.2 is 0.3 (a library such as simpleeval
computes with floats, and its sizes would have to be fenced as here).
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from typing import Final

from chatapp.errors import ChatappError

__all__ = ["compute"]

_LONGEST: Final = 200
"""Characters of an expression."""
_BITS: Final = 512
"""Size of a number on the way, above and below the line: some 154 digits."""
_DIGITS: Final = 12
"""Digits that are shown of a number that has no end."""

_SIGNS: Final = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-"})
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")

_BINARY: Final[dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction | int]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


def compute(expression: str) -> str:
    """The value of an expression, as a person writes it.

    Raises :class:`ChatappError` with a sentence if it is no arithmetic, or too large.
    """
    if len(expression) > _LONGEST:
        raise ChatappError(f"An expression may have {_LONGEST} characters, and this has more.")
    text = _THOUSANDS.sub("", expression.translate(_SIGNS).replace("^", "**")).strip()
    try:
        with warnings.catch_warnings(action="ignore"):  # such as of "1or 2"
            tree = ast.parse(text.removesuffix("=").strip(), mode="eval")
        return _written(_value(tree.body))
    except ZeroDivisionError:
        raise ChatappError("Nothing can be divided by zero.") from None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ChatappError("This is not an arithmetic expression.") from None


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int(number)):
            return _sized(Fraction(number))
        case ast.Constant(value=float(number)):
            return _decimal(Decimal(repr(number)))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _value(inner)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left), _value(right))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _sized(Fraction(_BINARY[type(op)](_value(left), _value(right))))
    raise ChatappError("Only numbers, + - * / // % ** and brackets can be computed.")


def _decimal(number: Decimal) -> Fraction:
    # Looked at before it is a fraction: 1e-999999999 has as many digits.
    if not number.is_finite() or abs(number.adjusted()) > _BITS:
        raise ChatappError("The number would be too large.")
    return _sized(Fraction(number))


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise ChatappError("Only whole powers can be computed.")
    if _bits(base) * abs(exponent) > 2 * _BITS and abs(base) != 1:
        raise ChatappError("The number would be too large.")
    return _sized(Fraction(base ** int(exponent)))


def _bits(number: Fraction) -> int:
    return max(number.numerator.bit_length(), number.denominator.bit_length())


def _sized(number: Fraction) -> Fraction:
    if _bits(number) > _BITS:
        raise ChatappError("The number would be too large.")
    return number


def _written(number: Fraction) -> str:
    if number.denominator == 1:
        return str(number.numerator)
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest == 1:  # a decimal fraction that ends
        exact = Context(prec=2 * _BITS)
        text = format(exact.divide(Decimal(number.numerator), Decimal(number.denominator)), "f")
        if len(text) <= 2 * _DIGITS:
            return text
    short = Context(prec=_DIGITS).divide(Decimal(number.numerator), Decimal(number.denominator))
    return f"{short:g} (rounded)"
