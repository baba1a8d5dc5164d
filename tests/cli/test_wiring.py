"""What the screen asks the command line for, and what of it outlives a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatapp.cli import opening
from chatapp.cli.chat import Wiring
from chatapp.engine.protocol import Sampling
from chatapp.home.paths import Home
from chatapp.home.settings import AppSettings, load_settings, save_settings


async def test_the_switch_of_the_cache_is_kept_and_leaves_the_engine_able_to_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path, "here")
    save_settings(home.settings_file, AppSettings(reuse=False, threads=3))
    wiring = Wiring(home, load_settings(home.settings_file))
    values = wiring.values()
    assert not values.reuse

    asked: list[AppSettings] = []

    def open_engine(_: Home, settings: AppSettings, **__: Any) -> opening.Opened:
        asked.append(settings)
        return opening.Opened(None, None, "x", None)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "open_engine", open_engine)
    await wiring.open_model("x", 512)
    # Each request says whether the cache may be used; the process must be able to use it.
    assert (asked[0].reuse, asked[0].window, asked[0].threads) == (True, 512, 3)

    wiring.keep_values(replace(values, reuse=True))
    assert load_settings(home.settings_file).reuse
    wiring.keep_values(replace(values, sampling=Sampling(top_k=3), reuse=False))
    kept = load_settings(home.settings_file)
    assert (kept.reuse, kept.sampling.top_k, kept.threads) == (False, 3, 3)
    assert not wiring.values().reuse


def test_the_screen_is_told_where_transcripts_are_kept(tmp_path: Path) -> None:
    home = Home(tmp_path, "here")
    given = Wiring(home, AppSettings()).given("model.gguf")
    assert given.transcripts == home.transcripts
