"""``--tools`` on the command line, and which models it is for."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from chatapp.context.tools import DECLARATION
from chatapp.conversation.tooling import NO_PLACE
from tests.cli.conftest import Run
from tests.weights.maker import STRING, Typed, changed, gguf


@pytest.fixture(autouse=True)
def nothing_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)


def test_the_prompt_declares_them(run: Run, tool_model: Path) -> None:
    said = run("ask", "-m", str(tool_model), "--tools", "--show-prompt", "What is 12 * 7?")
    assert (said.status, said.err) == (0, "")
    assert '{"name": "calculator", "description": "Compute' in said.out
    plain = run("ask", "-m", str(tool_model), "--show-prompt", "What is 12 * 7?")
    assert "calculator" not in plain.out
    said = run("ask", "-m", str(tool_model), "--tools", "--show-prompt", "--json", "Hi")
    assert json.loads(said.out)["messages"][0] == {"role": "tools", "content": DECLARATION}


def test_the_answer_alone_goes_to_stdout(run: Run, tool_model: Path) -> None:
    """A question that shows this small model how a call is written."""
    call = '<tool_call>{"name": "calculator", "arguments": {"expression": "12 * 7"}}</tool_call>'
    said = run(
        *("ask", "-m", str(tool_model), "--tools", "--max-tokens", "40"),
        f"Repeat after me: {call}",
    )
    assert said.status == 0
    assert f"chatapp: the model wrote: {call}\n" in said.err
    assert "a program of chatapp, not the model, answers: 12 * 7 = 84\n" in said.err
    assert call not in said.out
    assert said.out.strip()


@pytest.mark.parametrize("options", [(), ("--show-prompt",)])
def test_a_template_without_a_place_is_one_sentence(
    run: Run, default_model: Path, options: tuple[str, ...]
) -> None:
    said = run("ask", "-m", str(default_model), "--tools", *options, "Hi")
    assert (said.status, said.out, said.err) == (1, "", f"chatapp: {NO_PLACE}\n")


def test_models_info_tells_it_for_each_model(
    run: Run, home: Path, default_model: Path, tool_model: Path
) -> None:
    assert "tools            no\n" in run("models", "info", str(default_model)).out
    assert "tools            yes\n" in run("models", "info", str(tool_model)).out
    for name, template in (("base", None), ("broken", "{% for"), ("loops", "{{ tools * 10**9 }}")):
        path = home / "models" / f"{name}.gguf"
        written = None if template is None else Typed(STRING, template)
        path.write_bytes(gguf(changed(tokenizer__chat_template=written)))
        assert "tools            no\n" in run("models", "info", str(path)).out


def test_it_can_be_set_for_good_and_is_not_for_visitors(run: Run, home: Path) -> None:
    (home / "settings.toml").write_text("tools = 3\n")
    said = run("ask", "Hi")
    assert said.status == 1
    assert "tools" in said.err
    assert "--tools" in run("chat", "--help").out
    assert "--tools" not in run("serve", "--help").out


@pytest.mark.parametrize("on", [True, False])
def test_the_screen_begins_with_them_if_they_are_set(home: Path, on: bool) -> None:
    from chatapp.cli.chat import Wiring
    from chatapp.home.paths import Home
    from chatapp.home.settings import AppSettings

    wiring = Wiring(Home(home, "for a test"), AppSettings(tools=on))
    assert wiring.values().tools is on
