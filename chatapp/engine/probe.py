"""The self-test: does this machine compute the same bits whatever it computed before?

Checked, not assumed: a graphics driver, another quantisation or a future llama.cpp may break what
holds here, and then the screen has to say so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chatapp.engine.evaluation import BLOCK, Evaluator
from chatapp.engine.llama import Logits
from chatapp.engine.protocol import Checked

_LENGTH: Final = 2 * BLOCK + BLOCK // 2
_STEPS: Final = 3
_ORDINARY: Final = "An ordinary prefix cache is in use: bits depend on what was asked before."


def logits_hash(logits: Logits) -> str:
    """SHA-256 of a whole distribution: all logits as float32, little-endian, in token order."""
    return hashlib.sha256(logits.astype("<f4", copy=False).tobytes()).hexdigest()


def probe_tokens(size: int, length: int, step: int = 7919) -> list[int]:
    """A fixed prompt for a vocabulary of ``size`` tokens, that no conversation holds."""
    return [(17 + n * step) % size for n in range(length)]


def check(evaluator: Evaluator, cancelled: Callable[[], bool] | None = None) -> Checked:
    """Compare a probe prompt's logits under different histories.

    What the evaluator holds is set aside meanwhile. If reuse changes bits, it is switched off for
    good and the test is made again without it. Raises :class:`~chatapp.engine.llama.Cancelled`.
    """
    if not evaluator.canonical:
        probe = probe_tokens(evaluator.context.model.size, BLOCK)
        logits = logits_hash(evaluator.read(probe, cancelled=cancelled, reuse=False))
        return Checked(repeatable=False, reuse=True, reason=_ORDINARY, logits=logits)
    evaluator.set_aside()
    evaluator.empty()
    try:
        found = _compare(Evaluator(evaluator.context, reuse=evaluator.reuse), cancelled)
        if found.repeatable or not evaluator.reuse:
            return found
        evaluator.reuse = False
        found = _compare(Evaluator(evaluator.context, reuse=False), cancelled)
    finally:
        evaluator.empty()
    if not found.repeatable:
        return found
    reason = "Reusing computed blocks changed bits on this machine, so reuse is off."
    return Checked(repeatable=True, reuse=False, reason=reason, logits=found.logits)


def _compare(evaluator: Evaluator, cancelled: Callable[[], bool] | None) -> Checked:
    size = evaluator.context.model.size
    probe = probe_tokens(size, min(_LENGTH, evaluator.context.window - _STEPS - 1))
    other = probe[:BLOCK] + probe_tokens(size, len(probe) - BLOCK, step=104_729)

    pace = evaluator.context.pace

    def read(tokens: list[int], reuse: bool = True) -> str:
        return logits_hash(evaluator.read(tokens, cancelled=cancelled, reuse=reuse))

    with pace.just(pace.most):
        first = read(probe)
    for token in probe[:_STEPS]:  # entries as generation leaves them
        evaluator.step(token)
    read(other)  # shares one block with the probe, and leaves the rest of it set aside
    same = first == read(probe)
    if pace.adapt:
        with pace.just(1):
            pace.allow(first == read(probe, reuse=False))
    if same:
        how = "with the cache of arithmetic in use" if evaluator.reuse else "computed afresh"
        reason = f"The same prompt gave the same bits after other requests, {how}."
    else:
        reason = "The same prompt, computed afresh, gave other bits: this machine is not exact."
    return Checked(repeatable=same, reuse=evaluator.reuse, reason=reason, logits=first)


def mapping_of(path: str) -> str | None:
    """How the weight file is mapped into this process: ``read-only``, ``writable`` or ``copied``.

    ``None`` where the system does not tell (only Linux does).
    """
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return None
    target = str(Path(path).resolve())
    modes = [line.split()[1] for line in lines if line.endswith(target)]
    if not modes:
        return "copied"
    return "writable" if any("w" in mode for mode in modes) else "read-only"


def file_hash(path: str) -> str:
    """SHA-256 of a file as it is on disk now, the same as ``sha256sum`` prints."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
