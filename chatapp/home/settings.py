"""The one settings file, ``settings.toml``.

To add a setting, add a field with its default and its rule: reading, checking, saving and the
message for a wrong value follow from that. Keys that this version does not know are kept when the
file is saved (comments are not: the writer knows none).
"""

from __future__ import annotations

import copy
import os
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from chatapp.errors import HomeError
from chatapp.home.rules import Choice, Real, Rule, Switch, Text, Whole

__all__ = [
    "AppSettings",
    "KvType",
    "Policy",
    "SamplingSettings",
    "ServeSettings",
    "load_settings",
    "rule_of",
    "save_settings",
]

Policy = Literal["stop", "drop-oldest", "summary"]
KvType = Literal["f16", "f32", "q8_0"]

_LINE = r"[^\x00-\x1f\x7f\ud800-\udfff]+"
_MODEL = Text("a model's name or a path", _LINE)
_ADAPTER = Text("an adapter's name or a path", _LINE)
_LANGUAGE = Text('a language\'s code, "en" or "de"', r"[a-z]{2,3}")
_POLICY = Choice(("stop", "drop-oldest", "summary"))
_KV_TYPE = Choice(("f16", "f32", "q8_0"))
_ADDRESS = Text(
    "an address that begins with http:// or https://",
    r"(?i)https?://[^\x00-\x20\x7f\ud800-\udfff]+",
)


@dataclass(frozen=True)
class SamplingSettings:
    """The table ``[sampling]``: how one token is picked. ``seed`` None means another each time."""

    temperature: float = field(default=0.0, metadata={"rule": Real(0, 5)})
    top_k: int = field(default=40, metadata={"rule": Whole(0, 1_000_000)})
    top_p: float = field(default=0.95, metadata={"rule": Real(0, 1)})
    min_p: float = field(default=0.05, metadata={"rule": Real(0, 1)})
    repeat_penalty: float = field(default=1.0, metadata={"rule": Real(0.1, 10)})
    seed: int | None = field(default=None, metadata={"rule": Whole(0, 2**63 - 1)})
    max_tokens: int = field(default=512, metadata={"rule": Whole(1, 1_048_576)})


@dataclass(frozen=True)
class ServeSettings:
    """The table ``[serve]``: how many visitors a class may have, and limits on each.

    ``window`` is of the model that all share, in tokens; the others are those of
    :class:`~chatapp.serving.limits.Limits`.
    """

    visitors: int = field(default=20, metadata={"rule": Whole(1, 200)})
    window: int = field(default=1024, metadata={"rule": Whole(64, 1_048_576)})
    sessions: int = field(default=8, metadata={"rule": Whole(1, 100)})
    reply_tokens: int = field(default=160, metadata={"rule": Whole(1, 100_000)})
    total_tokens: int = field(default=100_000, metadata={"rule": Whole(1, 1_000_000_000)})
    per_minute: int = field(default=20, metadata={"rule": Whole(1, 600)})
    reply_seconds: int = field(default=30, metadata={"rule": Whole(1, 3600)})
    minutes: int = field(default=120, metadata={"rule": Whole(1, 1440)})
    idle_minutes: int = field(default=20, metadata={"rule": Whole(1, 1440)})
    link_minutes: int = field(default=60, metadata={"rule": Whole(1, 1440)})


@dataclass(frozen=True)
class AppSettings:
    """Everything a person can set. None means "not set": chatapp then decides by itself.

    ``adapter`` belongs to ``model``. ``language`` is that of lessons' words. ``window`` is in
    tokens; ``gpu_layers`` -1 means all.
    ``document`` is the file as it was read, unknown keys included.
    """

    model: str | None = field(default=None, metadata={"rule": _MODEL})
    adapter: str | None = field(default=None, metadata={"rule": _ADAPTER})
    adapter_scale: float = field(default=1.0, metadata={"rule": Real(0, 10)})
    language: str | None = field(default=None, metadata={"rule": _LANGUAGE})
    server: str | None = field(default=None, metadata={"rule": _ADDRESS})
    window: int | None = field(default=None, metadata={"rule": Whole(64, 1_048_576)})
    threads: int | None = field(default=None, metadata={"rule": Whole(1, 1024)})
    kv_type: KvType = field(default="f16", metadata={"rule": _KV_TYPE})
    gpu_layers: int = field(default=0, metadata={"rule": Whole(-1, 10_000)})
    reuse: bool = field(default=True, metadata={"rule": Switch()})
    tools: bool = field(default=False, metadata={"rule": Switch()})
    theme: str | None = field(default=None, metadata={"rule": Text("a theme's name", _LINE)})
    presenter: bool = field(default=False, metadata={"rule": Switch()})
    policy: Policy = field(default="stop", metadata={"rule": _POLICY})
    system: str = field(default="", metadata={"rule": Text()})
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    serve: ServeSettings = field(default_factory=ServeSettings)
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


Settings = AppSettings | SamplingSettings | ServeSettings
_TABLES: Mapping[str, type[SamplingSettings] | type[ServeSettings]] = {
    "sampling": SamplingSettings,
    "serve": ServeSettings,
}


def rule_of(kind: type[Settings], name: str) -> Rule:
    """What the setting called ``name`` may be."""
    return next(rule for key, rule in _rules(kind) if key.name == name)


def _rules(kind: type[Settings]) -> list[tuple[Field[Any], Rule]]:
    return [(key, key.metadata["rule"]) for key in fields(kind) if "rule" in key.metadata]


def load_settings(path: Path) -> AppSettings:
    """Read the settings; a missing file means the defaults.

    Raises :class:`HomeError` naming the file, the key and what is allowed.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return AppSettings()
    except UnicodeDecodeError:
        raise HomeError(f"{path} is not a text file in UTF-8.") from None
    except RecursionError:
        raise HomeError(f"{path} is nested too deeply.") from None
    except tomllib.TOMLDecodeError as error:
        raise HomeError(f"{path} is not valid TOML: {error}.") from None
    except OSError as error:
        raise HomeError(f"{path} cannot be read: {error.strerror}.") from None
    tables: dict[str, Any] = {}
    for name, kind in _TABLES.items():
        table = document.get(name, {})
        if not isinstance(table, dict):
            raise HomeError(f"{path}: {name} must be a table, [{name}].")
        tables[name] = kind(**_checked(kind, table, path, f"{name}."))
    return AppSettings(**_checked(AppSettings, document, path, ""), **tables, document=document)


def _checked(
    kind: type[Settings],
    table: Mapping[str, Any],
    path: Path,
    prefix: str,
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, rule in _rules(kind):
        if key.name in table:
            try:
                values[key.name] = rule.check(table[key.name])
            except ValueError:
                raise HomeError(f"{path}: {prefix}{key.name} must be {rule.allowed}.") from None
    return values


def save_settings(path: Path, settings: AppSettings) -> None:
    """Write the settings in one step, readable by the user alone.

    Written is what differs from the defaults, and every key that was in the file before.
    Raises :class:`HomeError`; the file that was there is then untouched.
    """
    import tomli_w  # only needed here

    document = copy.deepcopy(dict(settings.document))
    _fill(document, settings)
    for name in _TABLES:
        table = document.setdefault(name, {})
        _fill(table, getattr(settings, name))
        if not table:
            del document[name]
    path = path.resolve()  # a link to a file kept elsewhere stays a link
    temporary = ""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".settings-")
        with os.fdopen(handle, "wb") as file:
            tomli_w.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise HomeError(f"{path} cannot be written: {error.strerror}.") from None


def _fill(table: dict[str, Any], settings: Settings) -> None:
    for key, _ in _rules(type(settings)):
        value = getattr(settings, key.name)
        if value is None:
            table.pop(key.name, None)
        elif value != key.default or key.name in table:
            table[key.name] = value
