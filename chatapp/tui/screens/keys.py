"""Which keys the last line shows: those that matter now, the most important first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chatapp.tui.commands import COMMANDS, key_name
from chatapp.tui.widgets.keybar import Key

if TYPE_CHECKING:
    from chatapp.conversation import Node

__all__ = ["LAST", "keys_for", "presented"]

_KEYS: Final = {command.action: key_name(command.keys) for command in COMMANDS if command.keys}

LAST: Final[tuple[Key, ...]] = (
    Key("^P", "commands", "more", "app.command_palette"),
    Key("F1", "help", "help", "screen.help"),
    Key("^Q", "quit", "quit", "app.quit", essential=False),
)


def _key(action: str, label: str, short: str = "") -> Key:
    return Key(_KEYS[action], label, short or label, f"screen.{action}")


def keys_for(
    *,
    written: bool,
    busy: bool,
    editing: bool,
    selected: Node | None,
    said: bool,
    sessions: int,
    kept: bool,
    trouble: bool,
    lesson: bool = False,
) -> tuple[Key, ...]:
    """The keys for this moment."""
    keys: list[Key] = []
    if written and not busy:
        keys.append(Key("Enter", "send", "send", "screen.send"))
    if busy:
        keys.append(_key("stop", "stop"))
    elif editing:
        keys.append(_key("stop", "leave the edit", "leave"))
    if trouble:
        keys.append(_key("save", "save it elsewhere", "save"))
    if selected is not None:
        keys.append(_key("copy", "copy"))
    if lesson:
        keys.append(_key("lesson", "back to the lesson", "lesson"))
    keys.append(_key("new_session", "new session", "new"))
    if kept:
        keys.append(_key("prove", "prove it", "prove"))
    keys.append(_key("toggle_context", "what is sent", "sent"))
    if said and not busy:
        keys.append(_key("regenerate", "answer again", "again"))
        keys.append(_key("correct", "correct it", "correct"))
        keys.append(_key("edit", "edit"))
    if said:
        keys.append(_key("choice", "how chosen", "chosen"))
    if sessions > 1:
        keys.append(_key("sessions", "sessions"))
    keys.append(_key("log", "log"))
    keys += [_key("next_depth", "depth"), _key("settings", "settings"), _key("models", "model")]
    return tuple(keys)


_PRESENTED: Final = ("send", "stop", "new_session", "prove", "toggle_context", "lesson")


def presented(keys: tuple[Key, ...]) -> tuple[Key, ...]:
    """Those that matter in front of a room."""
    return tuple(key for key in keys if key.action.removeprefix("screen.") in _PRESENTED)
