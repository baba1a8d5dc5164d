"""Checked reading of a TOML table: each wrong key becomes one sentence that names it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from chatapp.errors import WeightsError

__all__ = ["Table"]


class Table:
    """A TOML table whose keys are asked for one by one; :meth:`finish` refuses what is left.

    ``where`` names the table in messages. Every method raises :class:`WeightsError`.
    """

    def __init__(self, values: Mapping[str, object], where: str) -> None:
        self.where = where
        self._left = dict(values)

    def _take(self, key: str, required: bool) -> object:
        if key not in self._left and required:
            raise WeightsError(f"{self.where}: the key {key!r} is missing.")
        return self._left.pop(key, None)

    def _wrong(self, key: str, wanted: str) -> WeightsError:
        return WeightsError(f"{self.where}: the key {key!r} must be {wanted}.")

    def text(
        self,
        key: str,
        pattern: str = r"[^\x00-\x1f\x7f-\x9f]+",
        wanted: str = "a text of one line",
        *,
        required: bool = True,
    ) -> str | None:
        """A text that ``pattern`` matches in full; ``wanted`` says so in words."""
        value = self._take(key, required)
        if value is None:
            return None
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise self._wrong(key, wanted)
        return value

    def needed_text(self, key: str, *rule: str) -> str:
        value = self.text(key, *rule)
        assert value is not None
        return value

    def texts(self, key: str, pattern: str, wanted: str) -> tuple[str, ...]:
        """A list of one text or more."""
        value = self._take(key, required=True)
        wrong = self._wrong(key, f"a list of {wanted}")
        if not isinstance(value, list) or not value:
            raise wrong
        for item in value:
            if not isinstance(item, str) or not re.fullmatch(pattern, item):
                raise wrong
        return tuple(value)

    def number(self, key: str, *, required: bool = True) -> int | None:
        """A whole number above zero."""
        value = self._take(key, required)
        if value is None:
            return None
        if type(value) is not int or value < 1:
            raise self._wrong(key, "a whole number above zero")
        return value

    def needed_number(self, key: str) -> int:
        value = self.number(key)
        assert value is not None
        return value

    def flag(self, key: str) -> bool:
        """true or false; false when absent."""
        value = self._take(key, required=False)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return bool(value)

    def tables(self, key: str, *, required: bool = True) -> list[dict[str, object]]:
        """A list of tables; at least one if it is required."""
        value = self._take(key, required)
        if value is None:
            return []
        if not isinstance(value, list) or not value or any(type(v) is not dict for v in value):
            raise self._wrong(key, f"one [[{key}]] table or more")
        return value

    def finish(self) -> None:
        """Refuse keys that nobody asked for: a misspelt one would otherwise be lost in silence."""
        if self._left:
            raise WeightsError(f"{self.where}: the key {next(iter(self._left))!r} is not known.")
