"""What ``chatapp doctor`` finds of this machine: versions, processor, memory, folders."""

from __future__ import annotations

import platform
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from chatapp import __version__
from chatapp.cli.findings import Finding
from chatapp.cli.text import size

if TYPE_CHECKING:
    from chatapp.engine.about import About
    from chatapp.home.paths import Home
    from chatapp.home.settings import AppSettings

__all__ = ["home_findings", "machine_findings", "processor", "version_findings"]

_PARTS = {
    "llama-cpp-python": "runs the model, in a process of its own",
    "textual": "draws the screen",
    "tiktoken": "counts tokens while you type",
    "numpy": "picks each token from the model's numbers",
}


def version_findings() -> Iterator[Finding]:
    """What is installed."""
    yield Finding("Versions", "chatapp", __version__)
    yield Finding("Versions", "Python", platform.python_version(), f"at {sys.executable}")
    yield Finding("Versions", "system", platform.platform(terse=True) or "not told")
    for name, purpose in _PARTS.items():
        try:
            yield Finding("Versions", name, metadata.version(name), purpose)
        except metadata.PackageNotFoundError:
            yield Finding("Versions", name, "missing", f"It {purpose}. Install it.", "wrong")


def machine_findings(about: About | None, problem: str, settings: AppSettings) -> Iterator[Finding]:
    """The processor, as the system and llama.cpp see it, threads and memory.

    ``about`` is what llama.cpp said; if it is None, ``problem`` says why.
    """
    where = "This machine"
    name = processor()
    yield Finding(where, "processor", name or "not told", state="fine" if name else "unknown")
    if about is None:
        yield Finding(where, "llama.cpp", "does not run", problem, "wrong")
    else:
        yield Finding(where, "llama.cpp", about.build, "the program that computes the model")
        yield Finding(
            where,
            "features",
            " ".join(about.features) or "none named",
            "what this build of llama.cpp uses of the processor; more is faster",
            data=about.features,
        )
        yield _graphics(about, settings)
    yield _threads(settings)
    yield _memory()


def processor() -> str | None:
    """The processor's name, if the system tells it."""
    try:
        text = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return platform.processor() or None
    names = [line.partition(":")[2] for line in text.splitlines() if line.startswith("model name")]
    return " ".join(names[0].split()) if names else platform.machine() or None


def _graphics(about: About, settings: AppSettings) -> Finding:
    where, name = "This machine", "graphics"
    if about.gpu:
        layers = {0: "none of the model is computed there", -1: "all layers are computed there"}
        meaning = layers.get(settings.gpu_layers, f"{settings.gpu_layers} layers go there")
        return Finding(where, name, "usable", f"{meaning}; --gpu-layers sets it", data=True)
    meaning = "llama.cpp finds no graphics processor here; everything is computed on the processor"
    asked = settings.gpu_layers != 0
    if asked:
        meaning += f", though gpu_layers is set to {settings.gpu_layers}"
    return Finding(where, name, "none", meaning, "note" if asked else "fine", data=False)


def _threads(settings: AppSettings) -> Finding:
    from chatapp.engine.threads import cores

    found = cores()
    if found.usable is None:
        why = f"one for each of {found.cpus} processors; the system tells no more"
    else:
        why = (
            f"one for each core open to chatapp: {found.physical} "
            f"({found.usable} of {found.cpus} processors)"
        )
    if found.share is not None:
        why += f"; the container may use {found.share} at a time"
    if not settings.threads and found.threads > 1:
        why += "; fewer while other programs compute, with the same bits"
    if settings.threads:
        why = f"set by you; by itself it would be {found.threads}, {why}"
    count = settings.threads or found.threads
    return Finding("This machine", "threads", str(count), why, data=count)


def _memory() -> Finding:
    from chatapp.engine.memory import available, container_limit, total

    free, installed, limit = available(), total(), container_limit()
    if free is None:
        meaning = "so a window that is too large cannot be refused beforehand"
        return Finding("This machine", "memory", "not told", meaning, "unknown")
    value = f"{size(free)} free" + (f" of {size(installed)}" if installed else "")
    meaning = f"the container may use {size(limit)}" if limit is not None else ""
    data = {"free": free, "total": installed, "container": limit}
    return Finding("This machine", "memory", value, meaning, data=data)


def home_findings(home: Home, problem: str | None) -> Iterator[Finding]:
    """The folders; ``problem`` says what is wrong with the home or its settings file."""
    yield Finding("Home", "folder", str(home.root), home.found)
    if problem:
        yield Finding("Home", "settings", "cannot be used", problem, "wrong")
    elif home.settings_file.exists():
        yield Finding("Home", "settings", str(home.settings_file), "read, and without mistakes")
    else:
        yield Finding("Home", "settings", "none", "so everything is as chatapp chooses")
    yield _folder(home.models, "models can be fetched into it", "no model can be fetched into it")
    yield _folder(home.transcripts, "what was said can be kept here", "nothing said can be kept")


def _folder(path: Path, works: str, lacks: str) -> Finding:
    problem = _unwritable(path)
    if problem is None:
        return Finding("Home", f"{path.name}/", "writable", works)
    meaning = f"{lacks} ({problem}); chatting works all the same"
    return Finding("Home", f"{path.name}/", "read-only", meaning, "note")


def _unwritable(path: Path) -> str | None:
    """Why no file can be made there, found by trying: rights alone do not tell."""
    try:
        with tempfile.TemporaryFile(dir=path):
            return None
    except OSError as error:
        return error.strerror or type(error).__name__
