"""Which fields a row has: one declaration for the card, for Parquet and for the check of a row.

A type is ``"string"``, ``"int64"`` or ``"float64"``, a mapping of fields, or a list of one type.
It must be declared: a reader that guesses types from the first rows fails on a column that is
empty there and filled later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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


def fits(value: Any, type_: Any, name: str = "") -> bool:
    """Whether a value that was read is of the declared type."""
    if value is None:
        return name in NULLABLE
    if isinstance(type_, str):
        kind = type_names[type_]
        return isinstance(value, kind) and not isinstance(value, bool)
    if isinstance(type_, list):
        return isinstance(value, list) and all(fits(each, type_[0]) for each in value)
    return (
        isinstance(value, dict)
        and value.keys() <= type_.keys()
        and all(
            fits(value[key], inner, key) if key in value else key in MAY_LACK
            for key, inner in type_.items()
        )
    )


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
