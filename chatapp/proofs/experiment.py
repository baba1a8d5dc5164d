"""What an experiment is, and running one: from a claim to evidence."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from chatapp.errors import ChatappError
from chatapp.proofs.evidence import Evidence, Verdict
from chatapp.proofs.lab import Lab
from chatapp.proofs.record import Record, Untested


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """``claim`` is one plain sentence; ``run`` notes in the record what has to be so."""

    name: str
    title: str
    claim: str
    run: Callable[[Lab, Record], Awaitable[None]]


async def perform(
    experiment: Experiment,
    lab: Lab,
    progress: Callable[[float, str], None] = lambda done, says: None,
) -> Evidence:
    """Run an experiment. Whatever happens, evidence comes back; cancelling it is the exception."""
    setting = await lab.setting()
    record = Record(progress)
    started, clock = datetime.now(UTC), time.monotonic()
    verdict: Verdict = "untested"
    try:
        await experiment.run(lab, record)
        verdict, because = _judged(record)
    except Untested as reason:
        because = f"It could not be tested here: {reason}"
    except ChatappError as error:
        because = f"It could not be tested: {error}"
    return Evidence(
        name=experiment.name,
        title=experiment.title,
        claim=experiment.claim,
        verdict=verdict,
        because=because,
        blocks=record.blocks,
        setting=setting,
        started=started.isoformat(timespec="seconds"),
        seconds=time.monotonic() - clock,
        command=f"chatapp prove {experiment.name}",
    )


def _judged(record: Record) -> tuple[Verdict, str]:
    checks = record.checks
    missed = [check for check in checks if not check.held]
    if not checks:
        return "untested", "Nothing was checked."
    if missed:
        more = f" ({len(missed)} of {len(checks)} checks failed)" if len(missed) > 1 else ""
        return "failed", f"This did not hold: {missed[0].says}{more}"
    if len(checks) == 1:
        return "held", "The one thing that was checked held."
    return "held", f"All {len(checks)} checks held."
