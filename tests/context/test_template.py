"""The sandbox: what templates may do, and what a hostile one cannot."""

from __future__ import annotations

import pytest

from chatapp.context.marked import TEMPLATE
from chatapp.context.messages import Message
from chatapp.context.template import ChatTemplate
from chatapp.errors import TemplateError

HELLO = [Message("user", "hello")]


def render(source: str, messages: list[Message] = HELLO, control: tuple[str, ...] = ()) -> str:
    return str(ChatTemplate(source).render(messages, control=control))


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(1000000000) %}{% endfor %}",
        "{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
        "{{ range(10**9) | list | length }}",
        "{{ 'a' * 1000000000 }}",
        "{{ [0] * 1000000000 }}",
        "{{ 2 ** 100000000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}"
        "{% endfor %}",
        "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}"
        "{% endfor %}",
        "{{ messages[0].content.replace('', 'x' * 1000).replace('x', 'y' * 1000000) }}",
    ],
)
def test_a_template_that_never_ends_is_stopped(source: str) -> None:
    with pytest.raises(TemplateError):
        render(source)


@pytest.mark.parametrize(
    "source",
    [
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{{ ''.__class__.__mro__ }}",
        "{{ messages[0].content.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages[0]['content'].runs }}",
        "{{ raise_exception.__globals__ }}",
        "{{ (messages | attr('__class__')) }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ lipsum.__globals__ }}",
        "{{ self.__init__.__globals__ }}",
        "{{ '{0.__class__}'.format(messages) }}",
        "{{ messages.append(1) }}",
    ],
)
def test_a_template_that_reaches_out_gets_nothing(source: str) -> None:
    try:
        text = render(source)
    except TemplateError:
        return
    assert text == ""


@pytest.mark.parametrize("source", ["{{ x", "{% for %}", "{{ 1/0 }}", "{{ messages.nope.nope }}"])
def test_a_broken_template_is_one_sentence(source: str) -> None:
    with pytest.raises(TemplateError, match="template"):
        render(source)


def test_a_template_may_refuse_and_its_reason_is_shown() -> None:
    with pytest.raises(TemplateError, match="roles must alternate"):
        render("{{ raise_exception('roles must alternate') }}")


def test_a_huge_template_is_refused() -> None:
    with pytest.raises(TemplateError, match="longer"):
        render("x" * (1 << 21))


def test_a_long_conversation_is_within_the_limits() -> None:
    source = "{% for m in messages %}{{ m.role ~ ': ' + m.content | trim }}\n{% endfor %}"
    messages = [Message("user", "word " * 200) for _ in range(2000)]
    assert render(source, messages).count("user: ") == 2000


def test_a_message_of_a_megabyte_is_within_the_limits() -> None:
    source = (
        "{% set ns = namespace(t='') %}{% for m in messages %}{% set ns.t = ns.t + m.content %}"
    )
    source += "{% endfor %}{{ ns.t }}"
    assert len(render(source, [Message("user", "x" * (1 << 20))] * 3)) == 3 << 20


@pytest.mark.parametrize(
    ("source", "content", "expected"),
    [
        ("{{ messages[0].content }}", " a ", [(0, 3)]),
        ("<{{ messages[0].content | trim }}>", " ab ", [(TEMPLATE, 1), (0, 2), (TEMPLATE, 1)]),
        ("{{ '<' + messages[0]['content'] + '>' }}", "ab", [(TEMPLATE, 1), (0, 2), (TEMPLATE, 1)]),
        ("{{ '<' ~ messages[0]['content'] ~ '>' }}", "ab", [(TEMPLATE, 1), (0, 2), (TEMPLATE, 1)]),
        ("{{ messages[0].content.split('|')[-1] }}", "a|bc", [(0, 2)]),
        ("{{ messages[0].content.replace('b', 'XY') }}", "abc", [(0, 1), (TEMPLATE, 2), (0, 1)]),
        ("{{ messages | map(attribute='content') | join('--') }}", "abc", [(0, 3)]),
        ("{{ messages[0].content | upper }}", "abc", [(0, 3)]),
        ("{{ messages[0].content[1:] }}", "abc", [(0, 2)]),
        ("{{ messages[0] | tojson }}", "abc", [(0, 34)]),
        (
            "{% macro say(m) %}[{{ m.content }}]{% endmacro %}{{ say(messages[0]) }}",
            "abc",
            [(TEMPLATE, 1), (0, 3), (TEMPLATE, 1)],
        ),
        (
            "{% set x %}[{{ messages[0].content }}]{% endset %}{{ x }}",
            "abc",
            [(TEMPLATE, 1), (0, 3), (TEMPLATE, 1)],
        ),
    ],
)
def test_every_character_keeps_its_owner(
    source: str, content: str, expected: list[tuple[int, int]]
) -> None:
    text = ChatTemplate(source).render([Message("user", content)])
    assert list(text.runs) == expected


def test_a_template_that_hides_who_wrote_a_control_token_is_refused() -> None:
    # Reversing twice gives the same text back, made by the template as far as anyone can see.
    source = "{{ messages[0].content | list | join | string | reverse | reverse }}"
    text = "a<|end|>b"
    try:
        marked = ChatTemplate(source).render([Message("user", text)], control=["<|end|>"])
    except TemplateError as error:
        assert "control token" in str(error)
    else:
        assert TEMPLATE not in [owner for owner, _ in marked.runs]


def test_a_model_without_a_template_gets_plain_text() -> None:
    template = ChatTemplate(None)
    assert not template.own
    assert str(template.render([Message("user", "Once"), Message("assistant", "upon")])) == (
        "Once\nupon\n"
    )
