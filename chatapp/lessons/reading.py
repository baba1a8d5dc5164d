"""A lesson from its file: every key known, every value checked, every reference followed.

An error names the file, the step, the key, and what was expected there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, Final

from chatapp.errors import LessonError
from chatapp.lessons import checks
from chatapp.lessons.checks import Check
from chatapp.lessons.steps import (
    KINDS,
    NAME,
    SETTINGS,
    Expect,
    Lesson,
    Measure,
    Option,
    Settings,
    Step,
)
from chatapp.lessons.wiring import check_wiring

_TABLES: Final = ("start", "step")
_CHECK_KEYS: Final = (*checks.KINDS, "than", "times", "at")


def read_lesson(text: str, name: str, where: str, folder: Path | None = None) -> Lesson:
    """The lesson in ``text`` (TOML). ``where`` names the file, ``folder`` is where it lies.

    Raises :class:`LessonError`.
    """
    table = parse(text, where)
    if not re.fullmatch(NAME.pattern, name):
        raise LessonError(f"{where}: a lesson's file must be called {NAME.allowed}, and .toml.")
    given = _values(Lesson, table, where, also=_TABLES)
    start = _settings(table.get("start", {}), f"{where}, [start]")
    tables = table.get("step", [])
    if not isinstance(tables, list) or not tables:
        raise LessonError(f"{where}: it has no steps; write [[step]] for each.")
    steps = tuple(_step(one, n, f"{where}, step {n}") for n, one in enumerate(tables, 1))
    lesson = Lesson(name=name, start=start, steps=steps, source=where, folder=folder, **given)
    check_wiring(lesson)
    return lesson


def parse(text: str, where: str) -> dict[str, Any]:
    """TOML as tables. Raises :class:`LessonError`."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LessonError(f"{where} is not valid TOML: {error}.") from None
    except RecursionError:
        raise LessonError(f"{where} is nested too deeply.") from None


def read_text(path: Path) -> str:
    """A file's text. Raises :class:`LessonError`."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise LessonError(f"{path} is not a text file in UTF-8.") from None
    except OSError as error:
        raise LessonError(f"{path} cannot be read: {error.strerror}.") from None


def keys_of(kind: type[Any]) -> dict[str, Field[Any]]:
    """The fields that may be written, by their keys."""
    return {f.name.replace("_", "-"): f for f in fields(kind) if "rule" in f.metadata}


def _step(value: Any, number: int, where: str) -> Step:
    if not isinstance(value, dict):
        raise LessonError(f"{where}: this is not a table; write [[step]].")
    found = [kind for kind in KINDS if kind in value]
    if len(found) != 1:
        known = ", ".join(KINDS)
        what = "nothing" if not found else " and ".join(found)
        raise LessonError(f"{where} does {what}; it must have exactly one of: {known}.")
    kind = KINDS[found[0]]
    if "id" in value:
        where += f" ({value['id']})"
    rest: dict[str, Any] = {"number": number, "checks": _checks(value.get("check", []), where)}
    if kind is Settings:
        given = _settings(value["settings"], where)
        keys = {k: v for k, v in value.items() if k in ("id", "note", "seconds", "check")}
        _unknown(value, (*keys, "settings"), where)
        return Settings(
            **rest, **given.given(), **_values(Settings, keys, where, also=("check", "settings"))
        )
    also = ["check"]
    if "measure" in {f.name for f in fields(kind)}:
        also.append("measure")
        if "measure" in value:
            rest["measure"] = _measure(value["measure"], f"{where}, measure")
    if kind.kind == "prove":
        also.append("facts")
        rest["facts"] = _names(value.get("facts", []), f"{where}: facts")
    if kind.kind == "notes":
        also.append("notes")
        rest["notes"] = _names(value["notes"], f"{where}: notes", "texts")
    if kind is Expect:
        also.append("option")
        rest["options"] = _options(value.get("option", []), where)
    return kind(**_values(kind, value, where, also=also), **rest)  # type: ignore[no-any-return]


def _values(
    kind: type[Any], table: Mapping[str, Any], where: str, also: Iterable[str] = ()
) -> dict[str, Any]:
    """The fields of ``kind`` as ``table`` has them, checked by their rules."""
    keys = keys_of(kind)
    if kind is Settings:
        keys = {key: field for key, field in keys.items() if field.name not in SETTINGS}
    _unknown(table, (*keys, *also), where)
    found = {}
    for key, field in keys.items():
        if key in table:
            try:
                found[field.name] = field.metadata["rule"].check(table[key])
            except ValueError:
                allowed = field.metadata["rule"].allowed
                raise LessonError(f"{where}: '{key}' must be {allowed}.") from None
        elif field.default is field.default_factory:  # both are dataclasses.MISSING
            allowed = field.metadata["rule"].allowed
            raise LessonError(f"{where}: '{key}' is missing; it must be {allowed}.")
    return found


def _unknown(table: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    known = sorted(set(known))
    for key in table:
        if key not in known:
            raise LessonError(f"{where}: there is no '{key}'; there are: {', '.join(known)}.")


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise LessonError(f"{where} must be a table, {{ key = value }}.")
    return value


def _settings(value: Any, where: str) -> Settings:
    table = _table(value, f"{where}: settings")
    _unknown(table, SETTINGS, where)
    rules = {f.name: f.metadata["rule"] for f in fields(Settings) if f.name in SETTINGS}
    found = {}
    for key, item in table.items():
        try:
            found[key] = rules[key].check(item)
        except ValueError:
            raise LessonError(f"{where}: '{key}' must be {rules[key].allowed}.") from None
    return Settings(**found)


def _measure(value: Any, where: str) -> Measure:
    return Measure(**_values(Measure, _table(value, where), where))


def _names(value: Any, where: str, what: str = "names") -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise LessonError(f'{where} must be a list of {what}, ["…", "…"].')
    return tuple(value)


def _options(value: Any, where: str) -> tuple[Option, ...]:
    if not isinstance(value, list) or not 2 <= len(value) <= 4:
        raise LessonError(f"{where}: a question needs two to four [[step.option]].")
    found = []
    for number, one in enumerate(value, 1):
        here = f"{where}, option {number}"
        table = _table(one, here)
        when = table.get("when", [])
        when = _checks(when if isinstance(when, list) else [when], here)
        found.append(Option(when=when, **_values(Option, table, here, also=("when",))))
    return tuple(found)


def _checks(value: Any, where: str) -> tuple[Check, ...]:
    if not isinstance(value, list):
        raise LessonError(f"{where}: 'check' must be a list, [{{ … }}, {{ … }}].")
    return tuple(_check(one, f"{where}, check {n}") for n, one in enumerate(value, 1))


def _check(value: Any, where: str) -> Check:
    table = _table(value, where)
    kinds = [kind for kind in checks.KINDS if kind in table]
    if len(kinds) != 1:
        raise LessonError(f"{where}: it must have exactly one of: {', '.join(checks.KINDS)}.")
    _unknown(table, _CHECK_KEYS, where)
    kind = kinds[0]
    what, than, times = table[kind], table.get("than"), table.get("times", 1.0)
    if kind == "held":
        if not isinstance(what, bool):
            raise LessonError(f"{where}: 'held' must be true or false.")
        what = "yes" if what else "no"
    if not isinstance(what, str) or not what.strip():
        raise LessonError(f"{where}: '{kind}' must be a text.")
    if kind in ("same", "other") and not isinstance(than, str):
        raise LessonError(
            f"{where}: '{kind}' needs 'than', the id of the step it is compared with."
        )
    if kind in ("more", "less") and (
        isinstance(than, bool) or not isinstance(than, (str, int, float))
    ):
        raise LessonError(f"{where}: '{kind}' needs 'than', the id of a step or a number.")
    if kind == "is" and not isinstance(than, (str, int, float, bool)):
        raise LessonError(f"{where}: 'is' needs 'than', the value that is expected.")
    if isinstance(times, bool) or not isinstance(times, (int, float)) or times <= 0:
        raise LessonError(f"{where}: 'times' must be a number above 0.")
    at = table.get("at", "")
    if not isinstance(at, str):
        raise LessonError(f"{where}: 'at' must be the id of a step.")
    return Check(kind=kind, what=what, than=than, times=float(times), at=at)  # type: ignore[arg-type]
