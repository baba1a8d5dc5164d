"""What the base says, by the engine that the chat uses: what an adapter must leave as it is.

It depends on the base and the question alone, so it is asked once and kept in a file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from chatapp.context.messages import as_dicts
from chatapp.training.engines import Ask, Engines, Progress, Said, side_by_side
from chatapp.training.prompts import asked


class Answers:
    """Answers of one base, kept in a file below ``folder``. ``engines`` start when one is new."""

    def __init__(self, engines: Engines, sha256: str, folder: Path) -> None:
        self._engines = engines
        self._path = folder / f"answers-{sha256[:16]}.json"
        try:
            kept = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            kept = None
        self._said = _sound(kept)

    async def texts(self, prompts: Sequence[str], tokens: int, tell: Progress) -> list[str]:
        """A reply to each question, each asked in a session of its own."""
        return [
            one.text for one in await self.of([Ask(asked(text), tokens) for text in prompts], tell)
        ]

    async def of(self, asks: Sequence[Ask], tell: Progress) -> list[Said]:
        """What is known already, and the rest asked side by side."""
        each = {_key(one): one for one in asks}
        new = {key: one for key, one in each.items() if key not in self._said}
        if each:
            known = len(each) - len(new)

            def told(done: int) -> None:
                tell("The base's own answers", known + done, len(each))

            told(0)
            work = [partial(self._engines.ask, one) for one in new.values()]
            self._said.update(zip(new, await side_by_side(work, told), strict=True))
        return [self._said[_key(one)] for one in asks]

    def keep(self) -> None:
        """Write what was asked, for the next time; a disk that is full loses nothing."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(
                json.dumps({"said": self._said}, ensure_ascii=False) + "\n", "utf-8"
            )
        except OSError:
            pass


def _sound(kept: Any) -> dict[str, Said]:
    """What the file holds, nothing if it is not what this version writes."""
    said = kept.get("said") if isinstance(kept, dict) else None
    found = {}
    for key, value in said.items() if isinstance(said, dict) else ():
        match value:
            case [str(text), None | float() as nll]:
                found[key] = Said(text, nll)
            case _:
                return {}
    return found


def _key(one: Ask) -> str:
    told = [as_dicts(one.messages), one.tokens, one.given]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
