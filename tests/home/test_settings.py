"""The settings file: defaults, every mistake named, and nothing lost on saving."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatapp.errors import HomeError
from chatapp.home.settings import (
    AppSettings,
    SamplingSettings,
    load_settings,
    rule_of,
    save_settings,
)

FULL = AppSettings(
    model="gemma-3-270m",
    server="http://127.0.0.1:8080/v1",
    window=4096,
    threads=2,
    kv_type="q8_0",
    gpu_layers=-1,
    reuse=False,
    tools=True,
    theme="nord",
    policy="drop-oldest",
    system="Antworte auf Deutsch.\nKurz.",
    sampling=SamplingSettings(0.7, 20, 0.9, 0.1, 1.1, 42, 256),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def test_a_missing_file_means_the_defaults(file: Path) -> None:
    found = load_settings(file)
    assert found == AppSettings()
    assert (found.model, found.server, found.window, found.threads) == (None, None, None, None)
    assert (found.policy, found.system, found.theme) == ("stop", "", None)
    assert found.sampling == SamplingSettings(0.0, 40, 0.95, 0.05, 1.0, None, 512)


def test_what_is_saved_is_loaded_again(file: Path) -> None:
    save_settings(file, FULL)
    assert load_settings(file) == FULL
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_only_what_differs_from_the_defaults_is_written(file: Path) -> None:
    save_settings(file, AppSettings(model="x"))
    assert file.read_text() == 'model = "x"\n'


def test_unknown_keys_are_kept(file: Path) -> None:
    file.write_text(
        "future = [1, 2]\nwindow = 512\n[sampling]\nmirostat = 2\ntop_k = 40\n[gpu]\na=1"
    )
    found = load_settings(file)
    save_settings(file, dataclasses.replace(found, window=None, model="x"))
    assert tomllib.loads(file.read_text()) == {
        "future": [1, 2],
        "model": "x",
        "sampling": {"mirostat": 2, "top_k": 40},
        "gpu": {"a": 1},
    }


def test_a_whole_number_will_do_for_a_number(file: Path) -> None:
    file.write_text("[sampling]\ntemperature = 1\n")
    temperature = load_settings(file).sampling.temperature
    assert (temperature, type(temperature)) == (1.0, float)


WRONG = {
    "window = 1": ("window", "a whole number from 64 to 1048576"),
    "window = 4096.0": ("window", "a whole number"),
    "window = true": ("window", "a whole number"),
    'window = "4096"': ("window", "a whole number"),
    "threads = 0": ("threads", "a whole number from 1"),
    'kv_type = "q4_0"': ("kv_type", '"f16", "f32", "q8_0"'),
    "gpu_layers = -2": ("gpu_layers", "a whole number from -1"),
    "reuse = 1": ("reuse", "true or false"),
    "model = 3": ("model", "a model's name or a path"),
    'model = ""': ("model", "a model's name or a path"),
    'server = "localhost:8080"': ("server", "http:// or https://"),
    'policy = "forget"': ("policy", '"stop", "drop-oldest", "summary"'),
    "policy = 1": ("policy", '"stop"'),
    "system = []": ("system", "a text"),
    "sampling = 1": ("sampling", "a table"),
    "[sampling]\ntemperature = -0.1": ("sampling.temperature", "a number from 0 to 5"),
    "[sampling]\ntemperature = nan": ("sampling.temperature", "a number from 0 to 5"),
    "[sampling]\ntemperature = inf": ("sampling.temperature", "a number from 0 to 5"),
    "[sampling]\ntop_p = true": ("sampling.top_p", "a number from 0 to 1"),
    "[sampling]\nrepeat_penalty = 0": ("sampling.repeat_penalty", "from 0.1 to 10"),
    "[sampling]\nseed = -1": ("sampling.seed", "from 0 to 9223372036854775807"),
    "[sampling]\nmax_tokens = 0": ("sampling.max_tokens", "from 1"),
    "model = ": ("", "not valid TOML"),
    "a = " + "[" * 100_000: ("", "nested too deeply"),
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:40])
def test_a_mistake_names_the_file_the_key_and_what_is_allowed(file: Path, text: str) -> None:
    key, allowed = WRONG[text]
    file.write_text(text)
    with pytest.raises(HomeError) as caught:
        load_settings(file)
    sentence = str(caught.value)
    assert str(file) in sentence
    assert key in sentence
    assert allowed in sentence


def test_what_is_no_text_file_is_named(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(HomeError, match="UTF-8"):
        load_settings(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(HomeError, match="cannot be read"):
        load_settings(file)
    with pytest.raises(HomeError, match="cannot be written"):
        save_settings(file, FULL)


def test_a_failed_save_leaves_the_old_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_settings(file, FULL)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(HomeError, match="No space left"):
        save_settings(file, AppSettings())
    assert load_settings(file) == FULL
    assert list(file.parent.iterdir()) == [file]


def test_a_link_to_a_settings_file_stays_a_link(file: Path) -> None:
    real = file.parent / "dotfiles" / "chatapp.toml"
    real.parent.mkdir()
    file.symlink_to(real)
    save_settings(file, FULL)
    assert file.is_symlink()
    assert load_settings(real) == FULL


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(max_size=60), number=st.integers(64, 2**20), real=st.floats(0, 5))
def test_any_allowed_value_comes_back(file: Path, text: str, number: int, real: float) -> None:
    try:
        system = str(rule_of(AppSettings, "system").check(text))
    except ValueError:
        assert "\0" in text or any(0xD800 <= ord(c) < 0xE000 for c in text)
        return
    wanted = AppSettings(system=system, window=number, sampling=SamplingSettings(temperature=real))
    save_settings(file, wanted)
    assert load_settings(file) == wanted
