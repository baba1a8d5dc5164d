"""``python -m chatapp.serving.visit``: a visitor's own process, started by ``chatapp serve``."""

from __future__ import annotations

import json
import os
import socket
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatapp.engine.shared import SharedEngine
    from chatapp.tui.given import Given

__all__ = ["VISIT", "Visit", "given_for", "hold_back"]

VISIT = "CHATAPP_VISIT"
"""The variable that says, as JSON, what a visitor's screen is to show."""

_MEMORY = 2 << 30
"""Bytes of address space; the screen takes some hundred megabytes of it."""
_FILES = 128
_PROCESSOR = 3600
"""Seconds of processor time: a screen takes a few a minute while somebody uses it."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visitor's screen is told. ``weights`` are only read (vocabulary, template, hash);
    ``sampling`` are the fields of :class:`~chatapp.engine.protocol.Sampling`.
    """

    number: int
    weights: str
    label: str
    sha256: str
    limits: dict[str, int]
    sampling: dict[str, Any]
    system: str = ""
    policy: str = "stop"
    theme: str | None = None
    adapter: str | None = None
    adapter_scale: float = 1.0
    link: int = -1


def hold_back() -> None:
    """Let this process write no file, start little and take little. The system sees to it."""
    os.nice(10)
    import resource

    for what, most in (
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, _PROCESSOR),
    ):
        hard = resource.getrlimit(what)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (least, least))


def given_for(visit: Visit, engine: SharedEngine) -> Given:
    """What the screen is given: nothing of it reaches a disk or another model."""
    from chatapp.engine.counter import Counter
    from chatapp.engine.protocol import Sampling
    from chatapp.tui.given import Given, Model, Values

    async def open_model(name: str, window: int | None) -> Model:
        return Model(
            engine, Counter(engine, engine.weights), visit.label, lambda: mark(visit), None
        )

    def values() -> Values:
        sampling = Sampling.from_dict(visit.sampling)
        return Values(visit.system, sampling, visit.policy, None)  # type: ignore[arg-type]

    return Given(
        open_model=open_model,
        model=visit.weights,
        values=values,
        label=visit.label,
        theme=visit.theme,
    )


def mark(visit: Visit) -> str:
    """The weight file's SHA-256: as it was when serving began, while size and time are the same."""
    from chatapp.proofs.files import file_hash

    path = Path(visit.weights)
    known, _, identity = visit.sha256.partition(" ")
    return known if identity == identity_of(path) else file_hash(path)


def identity_of(path: Path) -> str:
    """Size, time of change and inode: what changes when a file's bytes do."""
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"


def main() -> int:
    """Show the screen to the browser at the other end, until either side ends."""
    told = json.loads(os.environ.pop(VISIT))
    visit = Visit(**{field.name: told[field.name] for field in fields(Visit) if field.name in told})
    os.set_inheritable(visit.link, False)
    link = socket.socket(fileno=visit.link)
    hold_back()

    from chatapp.engine.client import EngineOptions
    from chatapp.engine.shared import SharedEngine
    from chatapp.serving.limits import Limits
    from chatapp.serving.screen import ServedApp

    adapter = Path(visit.adapter) if visit.adapter else None
    options = EngineOptions(adapter=adapter, adapter_scale=visit.adapter_scale)
    engine = SharedEngine(Path(visit.weights), link, options)
    app = ServedApp(given_for(visit, engine), Limits(**visit.limits), engine)
    # What a crash prints goes nowhere: not to the terminal of the one who serves.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    app.run()
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
