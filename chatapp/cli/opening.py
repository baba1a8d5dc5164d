"""From settings to an engine: the one place where the command line puts the parts together."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from chatapp.cli.first_run import ensure_model

if TYPE_CHECKING:
    from chatapp.engine.client import EngineOptions, LocalEngine
    from chatapp.engine.counter import Counter
    from chatapp.engine.interface import Engine
    from chatapp.engine.protocol import Sampling
    from chatapp.home.paths import Home
    from chatapp.home.settings import AppSettings, SamplingSettings

__all__ = [
    "Opened",
    "local_engine",
    "open_engine",
    "options_of",
    "sampling_of",
    "sampling_settings",
]


@dataclass(frozen=True, slots=True)
class Opened:
    """An engine that is not started yet, its counter, and what to call it on the screen.

    ``weights`` is the local weight file, or None for a server. ``mark`` gives the SHA-256 of that
    file as it is now (kept by size and time of change, so asking again is quick); ``hash_of`` that
    of another file, an adapter's.
    """

    engine: Engine
    counter: Counter
    label: str
    weights: Path | None
    mark: Callable[[], str] | None = None
    hash_of: Callable[[Path], str] | None = None


def open_engine(
    home: Home,
    settings: AppSettings,
    *,
    requested: str | None = None,
    out: TextIO | None = None,
) -> Opened:
    """The engine that the settings name. The first start fetches the default model.

    ``requested`` is a model named for this run: a local one, or one of the server's. Progress goes
    to ``out`` (default: stderr). Raises a ``ChatappError`` with the reason.
    """
    from chatapp.engine.counter import Counter

    engine: Engine
    if settings.server:
        from chatapp.engine.server import ServerEngine, key_from

        engine = ServerEngine(
            settings.server, model=requested, key=key_from(os.environ, settings.server)
        )
        return Opened(engine, Counter(engine, None), requested or settings.server, None)
    from chatapp.engine.weights.library import Library

    weights = ensure_model(home, settings, requested, out=out or sys.stderr)
    engine = local_engine(home, settings, weights)
    library = Library(home.models, home.cache)
    return Opened(
        engine,
        Counter(engine, weights),
        weights.stem,
        weights,
        partial(library.sha256, weights),
        library.sha256,
    )


def local_engine(home: Home, settings: AppSettings, weights: Path) -> LocalEngine:
    """An engine for a weight file, with the adapter that is set. Raises ``WeightsError``."""
    from chatapp.engine.client import LocalEngine

    return LocalEngine(weights, options_of(settings, home, weights), log=home.engine_log)


def options_of(settings: AppSettings, home: Home, weights: Path) -> EngineOptions:
    """The engine settings as the model process takes them.

    Raises ``WeightsError`` if the adapter that is set cannot be added to ``weights``.
    """
    from chatapp.engine.client import EngineOptions

    names = {field.name for field in fields(EngineOptions) if hasattr(settings, field.name)}
    values = {name: getattr(settings, name) for name in names - {"adapter"}}
    if settings.adapter is None:
        return EngineOptions(**values)
    from chatapp.engine.weights.adapter_list import Adapters
    from chatapp.engine.weights.library import Library

    adapters = Adapters(Library(home.models, home.cache))
    return EngineOptions(**values, adapter=adapters.resolve(settings.adapter, weights))


def sampling_of(settings: AppSettings) -> Sampling:
    """The settings of ``[sampling]`` as the engine takes them."""
    from chatapp.engine.protocol import Sampling

    chosen = settings.sampling
    return Sampling(
        temperature=float(chosen.temperature),
        top_k=chosen.top_k,
        top_p=float(chosen.top_p),
        min_p=float(chosen.min_p),
        repeat_penalty=float(chosen.repeat_penalty),
        seed=chosen.seed,
        max_tokens=chosen.max_tokens,
    )


def sampling_settings(sampling: Sampling) -> SamplingSettings:
    """The inverse: what the engine takes, as the settings file keeps it."""
    from chatapp.home.settings import SamplingSettings

    return SamplingSettings(
        **{field.name: getattr(sampling, field.name) for field in fields(SamplingSettings)}
    )
