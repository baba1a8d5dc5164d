"""Which fields a row has: one declaration for the card, for Parquet and for the check of a row.

A type is ``"string"``, ``"int64"`` or ``"float64"``, a mapping of fields, or a list of one type.
It must be declared: a reader that guesses types from the first rows fails on a column that is
empty there and filled later.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pyarrow

type_names: Final = {"string": str, "int64": int, "float64": float}

Fields = Mapping[str, Any]

MAY_LACK: Final = frozenset({"weight"})
"""Fields that a row may lack. Every other field is there; it may be null if it is nullable."""

NULLABLE: Final = frozenset(
    {
        "chosen",
        "rejected",
        "model",
        "sha256",
        "adapter",
        "adapter_sha256",
        "adapter_scale",
    }
)


Check = Callable[[Any], bool]


def check_of(type_: Any, *, nullable: bool = False) -> Check:
    """A function that tells whether a value that was read is of the declared type."""
    if isinstance(type_, str):
        kinds = (type_names[type_], type(None)) if nullable else (type_names[type_],)
        return lambda value: type(value) in kinds
    if isinstance(type_, list):
        each = check_of(type_[0])
        return lambda value: type(value) is list and all(map(each, value))
    checks = {key: check_of(inner, nullable=key in NULLABLE) for key, inner in type_.items()}
    needed = checks.keys() - MAY_LACK

    def fits(value: Any) -> bool:
        if type(value) is not dict or not needed <= value.keys() <= checks.keys():
            return False
        for key, inner in value.items():  # noqa: SIM110 (a loop is faster, and runs per message)
            if not checks[key](inner):
                return False
        return True

    return fits


def without_lacking(value: Any) -> Any:
    """A row as it was written: columns hold a null where a row lacked the field."""
    if isinstance(value, dict):
        return {
            key: without_lacking(inner)
            for key, inner in value.items()
            if inner is not None or key not in MAY_LACK
        }
    if isinstance(value, list):
        return [without_lacking(each) for each in value]
    return value


def as_yaml(fields: Fields) -> str:
    """The ``features`` of a dataset card, a field a line (flow style: JSON is YAML)."""
    return "\n".join(f"  - {json.dumps(field)}" for field in _feature(fields)["struct"])


def _feature(type_: Any) -> dict[str, Any]:
    if isinstance(type_, str):
        return {"dtype": type_}
    if isinstance(type_, list):
        inner = _feature(type_[0])
        return {"list": inner.get("struct") or inner["dtype"]}
    return {"struct": [{"name": name, **_feature(inner)} for name, inner in type_.items()]}


def as_arrow(fields: Fields) -> pyarrow.Schema:
    """The same for Parquet."""
    import pyarrow

    def arrow(type_: Any) -> pyarrow.DataType:
        if isinstance(type_, str):
            return {
                "string": pyarrow.string(),
                "int64": pyarrow.int64(),
                "float64": pyarrow.float64(),
            }[type_]
        if isinstance(type_, list):
            return pyarrow.list_(arrow(type_[0]))
        return pyarrow.struct([(name, arrow(inner)) for name, inner in type_.items()])

    return pyarrow.schema([(name, arrow(inner)) for name, inner in fields.items()])
