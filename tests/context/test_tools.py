"""Tools as text: the declaration in a prompt, and the calls that replies hold."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.context.budget import measure
from chatapp.context.messages import Message
from chatapp.context.prompt import build_prompt
from chatapp.context.template import ChatTemplate
from chatapp.context.tools import DECLARATION, Call, calls_in
from chatapp.errors import TemplateError
from tests.scripted import TEMPLATE as WITHOUT
from tests.scripted import ToyTokenizer
from tests.tool_model import TEMPLATE

CALL = '{"name": "calculator", "arguments": {"expression": "12 * 7"}}'
TAGGED = f"<tool_call>{CALL}</tool_call>"
TALK = [
    Message("system", "Be brief."),
    Message("tools", DECLARATION),
    Message("user", "What is 12 * 7?"),
    Message("assistant", TAGGED),
    Message("tool", "12 * 7 = 84"),
]
WANTED = Call("calculator", {"expression": "12 * 7"})


def _published() -> list[Path]:
    spec = find_spec("trl")
    if spec is None or spec.origin is None:
        return []
    folder = Path(spec.origin).parent / "chat_templates"
    return [one for one in sorted(folder.glob("*.jinja")) if not one.stem.endswith("_training")]


PUBLISHED = _published()
WITH_TOOLS = [path for path in PUBLISHED if ChatTemplate(path.read_text()).takes_tools]


# ── the declaration in a prompt ─────────────────────────────────────────────────────────────────


def test_the_declaration_is_a_counted_part_of_its_own() -> None:
    prompt = build_prompt(TALK, ChatTemplate(TEMPLATE), ToyTokenizer())
    said = "".join(text for span, text in prompt.sections() if span.owner == 1)
    assert said == "".join(json.dumps(tool["function"]) for tool in json.loads(DECLARATION))
    assert prompt.tokens_of(1) > 20
    without = build_prompt([TALK[0], *TALK[2:]], ChatTemplate(TEMPLATE), ToyTokenizer())
    assert len(without) < len(prompt) - prompt.tokens_of(1)
    assert [text for span, text in prompt.sections() if span.owner == 4] == ["12 * 7 = 84"]
    # The call is sent again as the text it is.
    assert [text for span, text in prompt.sections() if span.owner == 3] == [TAGGED]
    budget = measure(prompt, TALK, window=4096, reserve=64)
    assert budget.tools == prompt.tokens_of(1)
    assert budget.sent == len(prompt)


@pytest.mark.skipif(not PUBLISHED, reason="needs the templates that TRL carries")
@pytest.mark.parametrize("path", WITH_TOOLS, ids=lambda path: path.stem)
def test_published_templates_render_as_transformers_renders_them(path: Path) -> None:
    from transformers.utils.chat_template_utils import _compile_jinja_template

    source = path.read_text()
    template = ChatTemplate(source, bos_token="<s>", eos_token="</s>")
    reference = _compile_jinja_template(source)
    reference.environment.globals.pop("strftime_now", None)  # ours knows no clock
    expected = reference.render(
        messages=[message.as_dict() for message in TALK if message.role != "tools"],
        tools=json.loads(DECLARATION),
        documents=None,
        add_generation_prompt=True,
        bos_token="<s>",
        eos_token="</s>",
    )
    text = template.render(TALK)
    assert str.__str__(text) == expected
    owners = {owner for owner, _ in text.runs}
    assert {1, 4} <= owners


@pytest.mark.skipif(not PUBLISHED, reason="needs the templates that TRL carries")
def test_which_published_templates_have_a_place_for_tools() -> None:
    has = {one.stem: ChatTemplate(one.read_text()).takes_tools for one in PUBLISHED}
    assert all(has[name] for name in ("qwen2_5", "qwen3", "llama3_1", "llama3_2", "lfm2"))
    assert not any(has[name] for name in ("llama3", "gemma", "phi3", "deepseekv3"))


@pytest.mark.parametrize(
    "source",
    [
        WITHOUT,
        None,
        "{{ tools",
        "{% if tools %}{{ raise_exception('no tools here') }}{% endif %}",
        "{% for tool in tools %}{{ tool.function.name }}{% endfor %}",  # no place for the result
        "{% for n in range(10 ** 9) %}{{ tools }}{% endfor %}",
    ],
)
def test_a_template_without_a_place_for_tools(source: str | None) -> None:
    assert ChatTemplate(source).takes_tools is False


def test_tools_are_never_left_out_in_silence() -> None:
    with pytest.raises(TemplateError, match="no place for tools"):
        ChatTemplate(WITHOUT).render(TALK)


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", "nonsense", "[" * 100_000, '[{"a":' + "[" * 200 + "]" * 200 + "}]"]
)
def test_a_declaration_that_is_none_is_refused_in_a_sentence(content: str) -> None:
    with pytest.raises(TemplateError, match="tools"):
        ChatTemplate(TEMPLATE).render([Message("tools", content), Message("user", "Hi")])


def test_tools_are_declared_once() -> None:
    twice = [Message("tools", DECLARATION)] * 2
    with pytest.raises(TemplateError, match="Only one"):
        ChatTemplate(TEMPLATE).render([*twice, Message("user", "Hi")])


def test_a_control_token_in_a_declaration_or_a_result_stays_text() -> None:
    # Written with an escape, it only appears when the JSON is read.
    tools = '[{"type":"function","function":{"name":"a \\u003c|im_end|>"}}]'
    talk = [Message("tools", tools), Message("user", "Hi"), Message("tool", "<|im_end|>")]
    prompt = build_prompt(talk, ChatTemplate(TEMPLATE), ToyTokenizer())
    assert "<|im_end|>" in prompt.text
    ends = [n for n, token in enumerate(prompt.tokens) if token == 2]
    assert len(ends) == 3  # those of the template's own three turns
    assert {prompt.owners()[n] for n in ends} == {-1}


def test_a_template_that_hides_who_wrote_a_declaration_is_refused() -> None:
    hiding = "{% for tool in tools %}{{ [tool] | string }}{% endfor %}{{ messages }}"
    tools = '[{"name": "\\u003c|im_end|>"}]'
    with pytest.raises(TemplateError, match="control token"):
        build_prompt(
            [Message("tools", tools), Message("user", "Hi")], ChatTemplate(hiding), ToyTokenizer()
        )


# ── calls in replies ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "reply",
    [
        TAGGED,
        f"Let me see.\n<tool_call>\n{CALL}\n</tool_call>",
        f"<tool_call>{CALL}",
        CALL,
        '{"name": "calculator", "parameters": {"expression": "12 * 7"}}',
        '<|python_tag|>{"type": "function", "name": "calculator", '
        '"parameters": {"expression": "12 * 7"}}',
        '{"name": "calculator", "arguments": "{\\"expression\\": \\"12 * 7\\"}"}',
    ],
)
def test_a_call_is_found_in_the_shapes_that_models_write(reply: str) -> None:
    assert calls_in(reply) == [WANTED]


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "12 * 7 = 84",
        '{"answer": 84}',
        '{"name": "Ada", "age": 36}',
        "{",
        "[]",
        f"I write {CALL}",
    ],
)
def test_what_is_no_call_is_none(reply: str) -> None:
    assert calls_in(reply) == []


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("<tool_call>12 * 7</tool_call>", "not valid JSON"),
        ('<tool_call>{"name": "calculator", "arguments": {"expr</tool_call>', "not valid JSON"),
        ("<tool_call>[]</tool_call>", "not valid JSON"),
        ("<tool_call>{}</tool_call>", "the name"),
        ('<tool_call>{"name": 7}</tool_call>', "the name"),
        ('<tool_call>{"name": "clock", "arguments": [1]}</tool_call>', "not a JSON object"),
        ('{"name": "calculator", "arguments": {"expression": "12', "not valid JSON"),
        ("<tool_call>" + "[" * 3_000 + "</tool_call>", "not valid JSON"),
        ('<tool_call>{"name": "' + "x" * 100_000, "longer than"),
        ('{"name": "clock", "arguments": {"a": ' + "9" * 3_900 + "}}", ""),
    ],
)
def test_a_broken_call_says_what_is_wrong_with_it(reply: str, why: str) -> None:
    (call,) = calls_in(reply)
    assert why in call.problem


def test_the_calls_of_one_reply_are_few() -> None:
    calls = calls_in(TAGGED * 50)
    assert calls[:-1] == [WANTED] * 4
    assert "Only 4" in calls[-1].problem


@given(
    st.text() | st.text(alphabet='<>{}[]":,toolcanmeriguets_/ \\0123').map("<tool_call>".__add__)
)
def test_no_reply_breaks_the_reading(reply: str) -> None:
    for call in calls_in(reply):
        assert call.name or call.problem
