"""Numbers in a lesson's words: ``{first.tokens_sent}`` is what came of the step ``first``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from chatapp.lessons.checks import shown
from chatapp.lessons.outcome import Outcome
from chatapp.lessons.words import Words

PLACE: Final = re.compile(r"\{([a-z0-9][a-z0-9-]*)\.([a-z_0-9]+)\}")


def fill(text: str, outcomes: Mapping[str, Outcome], words: Words) -> str | None:
    """``text`` with its numbers; ``None`` while one of them is not known yet."""
    if any(name not in outcomes for name, _ in PLACE.findall(text)):
        return None

    def value(found: re.Match[str]) -> str:
        return shown(outcomes[found[1]].values.get(found[2]), words)

    return PLACE.sub(value, text)
