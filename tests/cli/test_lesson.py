"""``chatapp lesson``: the list, a headless play, plain text with answers on stdin, a new one."""

from __future__ import annotations

import builtins
import json
from pathlib import Path

import pytest

from chatapp.cli.lesson import language_of
from chatapp.errors import ChatappError
from tests.cli.conftest import Run
from tests.lessons.samples import changed

SHORT = """
title = "Short"
about = "A short one."
minutes = 1
[[step]]
id = "begin"
say = "Welcome."
[[step]]
id = "guess"
expect = "What comes?"
at = "first"
expected = "old"
[[step.option]]
id = "old"
text = "Istanbul"
when = { contains = "Istanbul" }
after = "It was {first.tokens_sent} tokens."
[[step.option]]
id = "other"
text = "Something else"
[[step]]
id = "first"
ask = "What is the capital of Turkey?"
note = "Sent: {first.tokens_sent}."
[[step]]
id = "end"
summary = "That was it."
"""


@pytest.fixture
def with_model(home: Path, default_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the default model and a short lesson; the words are English."""
    (home / "models" / default_model.name).symlink_to(default_model)
    (home / "lessons").mkdir()
    (home / "lessons" / "short.toml").write_text(SHORT, "utf-8")
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    return home


def test_the_list_is_the_course_with_minutes_and_ones_own(run: Run, home: Path) -> None:
    (home / "lessons").mkdir()
    (home / "lessons" / "mine.toml").write_text(changed(), "utf-8")
    (home / "lessons" / "broken.toml").write_text("title = 3", "utf-8")
    said = run("lesson", "--lang", "en")
    assert said.status == 0
    lines = said.out.splitlines()
    [first] = [n for n, line in enumerate(lines) if line.startswith("training-is-over")]
    [costs] = [n for n, line in enumerate(lines) if line.startswith("costs")]
    [mine] = [n for n, line in enumerate(lines) if line.startswith("mine")]
    assert first < costs < mine
    assert "5 min  Training is over" in lines[first]
    assert "(yours)" in lines[mine]
    assert "Not playable:" in said.out


def test_the_language_may_be_set_in_the_settings(run: Run, home: Path) -> None:
    assert "Training is over" in run("lesson").out
    (home / "settings.toml").write_text('language = "de"\n', "utf-8")
    assert "Das Training ist vorbei" in run("lesson").out
    assert "Training is over" in run("lesson", "--lang", "en").out
    (home / "settings.toml").write_text('language = "Deutsch"\n', "utf-8")
    assert "language must be a language's code" in run("lesson").err


def test_headless_tells_checks_and_fails_if_one_does(run: Run, with_model: Path) -> None:
    page = with_model / "page.html"
    said = run("lesson", "short", "--headless", "--twice", "--handout", str(page))
    assert said.status == 0, said
    assert "✓ What comes? It was: Istanbul" in said.out.replace("\n    ", " ")
    assert "the same bits" in said.out
    assert "<h1>Short</h1>" in page.read_text("utf-8")
    wrong = SHORT.replace('expected = "old"', 'expected = "other"')
    (with_model / "lessons" / "short.toml").write_text(wrong, "utf-8")
    said = run("lesson", "short", "--json")
    assert said.status == 1
    told = json.loads(said.out)
    assert told["held"] is False
    [lesson] = told["lessons"]
    assert lesson["guesses"][0]["happened"] == "old"
    assert lesson["steps"][2]["outcome"]["text"] == "The capital of Turkey is Istanbul."
    assert lesson["steps"][2]["says"].startswith("Sent: ")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lines to be typed; then the input ends."""
    lines: list[str] = []

    def read(prompt: str = "") -> str:
        if not lines:
            raise EOFError
        return lines.pop(0)

    monkeypatch.setattr(builtins, "input", read)
    return lines


def test_plain_asks_guesses_goes_back_and_can_be_taken_over(
    run: Run, with_model: Path, typed: list[str]
) -> None:
    typed += ["", "9", "2", "x", "t", "Name a river.", "", "", "b", "", "", ""]
    said = run("lesson", "short", "--plain")
    assert said.status == 0, said
    assert said.out.count("The capital of Turkey is Istanbul.") == 2
    assert "It is yours" in said.out
    assert "The guess was: Something else" in said.out
    assert "→ It was 37 tokens." in said.out
    assert "Sent: 37." in said.out
    assert "That was it." in said.out
    assert "✗ What comes?" in said.out
    assert not typed


def test_plain_ends_where_the_input_does(run: Run, with_model: Path, typed: list[str]) -> None:
    typed += ["", "q"]
    said = run("lesson", "short", "--plain")
    assert said.status == 0
    assert "That was it." not in said.out


def test_a_new_lesson_is_written_once(run: Run, home: Path) -> None:
    said = run("lesson", "new", "my-lesson")
    assert said.status == 0
    assert (home / "lessons" / "my-lesson.toml").exists()
    assert run("lesson", "new", "my-lesson").status == 1
    assert run("lesson", "new").status == 1
    assert "my-lesson" in run("lesson").out


def test_wrong_usage_is_one_sentence(run: Run, home: Path) -> None:
    for argv in (["--headless"], ["nobody"], ["--lang", "3!", "correction"]):
        said = run("lesson", *argv)
        assert said.status == 1
        assert said.err.startswith("chatapp: ")
        assert said.err.count("\n") == 1


@pytest.fixture(autouse=True)
def _no_language(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


def test_the_language_is_the_one_given_or_the_systems() -> None:
    assert language_of("de", {}) == "de"
    assert language_of(None, {"LANG": "de_AT.UTF-8"}) == "de"
    assert language_of(None, {"LANG": "C.UTF-8"}) == "en"
    assert language_of(None, {"LC_ALL": "POSIX", "LANG": "de_DE"}) == "en"
    assert language_of("en", {"LANG": "de_DE"}) == "en"
    with pytest.raises(ChatappError, match="code, en or de"):
        language_of("12", {})


def test_what_is_not_translated_is_said_once(run: Run, with_model: Path) -> None:
    said = run("lesson", "short", "--json", "--lang", "de")
    assert said.err.count("not all of this is translated (de): short") == 1
    assert json.loads(said.out)["lessons"][0]["language"] == "en"
