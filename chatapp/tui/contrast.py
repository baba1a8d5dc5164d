"""Two themes for projectors and tired eyes: black and white, with colours far from both."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

__all__ = ["CONTRAST", "contrast_for"]

_DARK: Final = Theme(
    name="contrast-dark",
    dark=True,
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#262626",
    boost="#1c1c1c",
    primary="#5fd7ff",
    secondary="#87d7ff",
    accent="#ffd75f",
    success="#5fff87",
    warning="#ffd75f",
    error="#ff8787",
)
_LIGHT: Final = Theme(
    name="contrast-light",
    dark=False,
    foreground="#000000",
    background="#ffffff",
    surface="#ffffff",
    panel="#dadada",
    boost="#eeeeee",
    primary="#00409a",
    secondary="#00409a",
    accent="#7a0060",
    success="#005f1c",
    warning="#7a3e00",
    error="#a00000",
)
CONTRAST: Final = (_DARK, _LIGHT)


def contrast_for(theme: Theme) -> str:
    """The name of the theme of high contrast that is as light or dark as ``theme``."""
    return _DARK.name if theme.dark else _LIGHT.name
