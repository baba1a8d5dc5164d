"""What ``chatapp doctor`` finds of the chosen model: its file, and how it runs here."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from chatapp.cli.findings import Finding
from chatapp.cli.text import size
from chatapp.errors import ChatappError, EngineDied

if TYPE_CHECKING:
    from chatapp.engine.client import LocalEngine
    from chatapp.engine.protocol import Ready
    from chatapp.engine.weights.library import Library
    from chatapp.home.paths import Home
    from chatapp.home.settings import AppSettings

__all__ = ["file_findings", "running_findings", "server_finding"]

_MODEL, _RUNS = "Model", "The model at work"

_CRASHED = (
    " llama.cpp may have been compiled for another processor, or wrongly for this one. Compile it "
    "anew: make clean, then make chat."
)
_PROBES = (
    "What is the capital of Turkey?",
    "  1,234.5 = 2⁵ … ½ ²  \n\n\tfin",
    "Ça va? Привет, 世界! 👩‍🚀 <|im_end|> <s>",
)
"""Texts that tokenizers stumble over: digits, spaces, other scripts, control tokens as text."""


def file_findings(library: Library, path: Path) -> Iterator[Finding]:
    """The weight file: its bytes against the catalogue's, and its template."""
    from chatapp.cli.pulling import ProgressLine
    from chatapp.engine.weights.gguf import read_header

    yield Finding(_MODEL, "file", str(path))
    try:
        with ProgressLine(sys.stderr) as line:
            verdict = library.verify(path, lambda done, total: line("Reading", done, total))
        sha256 = library.sha256(path)
    except ChatappError as error:
        yield Finding(_MODEL, "SHA-256", "cannot be told", str(error), "wrong")
        return
    bytes_ = path.stat().st_size
    yield Finding(_MODEL, "size", f"{size(bytes_)} ({bytes_:,} bytes)", data=bytes_)
    yield Finding(_MODEL, "SHA-256", sha256, "what names these weights: one other bit, another sum")
    entry = library.catalogue.by_sha256(sha256)
    if entry is not None:
        meaning = f"byte for byte the file that the catalogue calls {entry.name}"
        yield Finding(_MODEL, "catalogue", verdict, meaning)
    elif verdict == "differs":
        meaning = (
            "The file has the name of a catalogue model and other bytes: it is damaged, or not "
            f"that model. Move {path.name} away and fetch it again: chatapp models pull"
        )
        yield Finding(_MODEL, "catalogue", verdict, meaning, "wrong")
    else:
        meaning = "not in the catalogue, so there is nothing to compare it with"
        yield Finding(_MODEL, "catalogue", verdict, meaning, "note")
    try:
        template = read_header(path, with_vocabulary=False).chat_template
    except ChatappError as error:
        yield Finding(_MODEL, "header", "cannot be read", str(error), "wrong")
        return
    if template is None:
        meaning = "A base model, never taught to hold a conversation; chatapp uses a plain one."
        yield Finding(_MODEL, "template", "none", meaning, "note")
    else:
        meaning = "written in the file: how messages become the text that the model reads"
        yield Finding(_MODEL, "template", f"{len(template):,} characters", meaning)


async def running_findings(home: Home, settings: AppSettings, path: Path) -> AsyncIterator[Finding]:
    """Load the model, compare counts, and test whether the same prompt gives the same bits."""
    from chatapp.cli.opening import local_engine

    try:
        engine = local_engine(home, settings, path)
    except ChatappError as error:
        yield Finding(_MODEL, "adapter", "cannot be used", str(error), "wrong")
        return
    try:
        ready = await engine.start()
        yield _loaded(ready)
        if ready.adapter is not None:
            yield _adapter(ready)
        yield _window(ready)
        yield await _counting(engine)
        async for finding in _fingerprint(engine):
            yield finding
    except ChatappError as error:
        crashed = isinstance(error, EngineDied) and error.crash is not None
        meaning = str(error) + (_CRASHED if crashed else "")
        yield Finding(_RUNS, "runs", "no", meaning, "wrong")
    finally:
        await engine.close()


def _loaded(ready: Ready) -> Finding:
    value = f"yes, loaded in {ready.load_seconds} s"
    return Finding(_RUNS, "runs", value, "in a process of its own, which keeps nothing")


def _adapter(ready: Ready) -> Finding:
    meaning = f"added to the weights while they compute, SHA-256 {ready.adapter_sha256}"
    value = f"{ready.adapter} ×{ready.adapter_scale}"
    data = {
        "name": ready.adapter,
        "sha256": ready.adapter_sha256,
        "scale": ready.adapter_scale,
    }
    return Finding(_RUNS, "adapter", value, meaning, data=data)


def _window(ready: Ready) -> Finding:
    cache = f"; its KV cache of {ready.kv_type} numbers takes {size(ready.kv_bytes or 0)}"
    meaning = ready.note or "how much the model can be sent at once, the reply included"
    return Finding(
        _RUNS,
        "window",
        f"{ready.window:,} tokens" + (cache if ready.kv_bytes else ""),
        meaning,
        "note" if ready.note else "fine",
        data={"tokens": ready.window, "kv_type": ready.kv_type, "kv_bytes": ready.kv_bytes},
    )


async def _counting(engine: LocalEngine) -> Finding:
    """Whether token counts made on this side of the pipe are the engine's."""
    from chatapp.context.messages import Message
    from chatapp.engine.counter import Counter

    counter = Counter(engine, engine.weights)
    await counter.open()
    if counter.source == "engine":
        meaning = "counts come from the model process: exact, but it has to be asked for each"
        return Finding(_RUNS, "counting", "by the engine", meaning, "note", data="engine")
    for text in _PROBES:
        messages = [Message("user", text)]
        sent = await engine.render(messages)
        if sent is None or not await counter.check(messages, sent):
            meaning = f"On a probe text {counter.doubt or 'they differ'}; chatapp asks the engine."
            return Finding(_RUNS, "counting", "by the engine", meaning, "note", data="engine")
    meaning = f"token by token the same as the engine's on {len(_PROBES)} difficult texts"
    return Finding(_RUNS, "counting", "own, from the file", meaning, data="own")


async def _fingerprint(engine: LocalEngine) -> AsyncIterator[Finding]:
    found = await engine.fingerprint()
    meanings = {
        "read-only": "the system lets nothing write to the weights while the model runs",
        "writable": "something could write to the weights in memory",
        "copied": "the weights are a copy in memory; the file itself is not touched",
        None: "this system does not say how the file lies in memory",
    }
    yield Finding(
        _RUNS,
        "weights in memory",
        found.mapping or "not told",
        meanings.get(found.mapping, ""),
        "unknown" if found.mapping is None else "wrong" if found.mapping == "writable" else "fine",
    )
    value = "yes" if found.repeatable else "no"
    reason = engine.checked.reason if engine.checked else ""
    yield Finding(
        _RUNS,
        "repeatable",
        value,
        reason,
        "fine" if found.repeatable else "wrong",
        data=found.repeatable,
    )
    reused = engine.checked.reuse if engine.checked else None
    if found.repeatable and engine.options.reuse and reused is False:
        meaning = "so every turn is computed afresh: the same answers, slower"
        yield Finding(_RUNS, "reuse", "off", meaning, "note", data=False)


async def server_finding(settings: AppSettings) -> Finding:
    """Whether the server that is set answers."""
    from chatapp.engine.server import ServerEngine, key_from

    address = settings.server or ""
    engine = ServerEngine(address, key=key_from(os.environ, address))
    try:
        ready = await engine.start()
    except ChatappError as error:
        return Finding("Server", address, "does not answer", str(error), "wrong")
    finally:
        await engine.close()
    meaning = f"It offers {ready.model}. Nobody here can see what it does with what is sent."
    return Finding("Server", address, "answers", meaning)
