"""A model's own chat template, run in a sandbox with limits.

A chat template is code from a stranger that came inside a weight file (CVE-2024-34359). It runs in
Jinja's immutable sandbox with three more fences: only the filters and string methods that chat
templates use, a budget of steps (loop turns and calls), and a budget of characters made. Budgets
count work, not time, so the same template and messages always end the same way.

The settings (``trim_blocks``, ``lstrip_blocks``, loop controls, ``raise_exception``, ``tojson``)
are those of Hugging Face transformers' ``apply_chat_template``, for which templates are written.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, Final

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.sandbox import ImmutableSandboxedEnvironment

from chatapp.context.marked import TEMPLATE, Marked, join, owner_within
from chatapp.context.messages import Message
from chatapp.context.tools import DECLARATION, read_tools
from chatapp.errors import ContextError, TemplateError

__all__ = ["PLAIN", "TEXT_ALONE", "ChatTemplate"]

MAX_SOURCE: Final = 1 << 20
"""The longest template that is read, in characters."""
MAX_STEPS: Final = 200_000
"""Loop turns and calls that one rendering may take."""
MAX_CHARS: Final = 1 << 26
"""Characters that one rendering may make, intermediate results counted."""

PLAIN: Final = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
"""For a model without a template: the texts, one under another, for it to go on with."""
TEXT_ALONE: Final = "{{ messages | map(attribute='content') | join('\\n') }}"
"""Nothing but the texts: what a chat model makes of them without its template."""

_FILTERS: Final = frozenset(
    "abs capitalize count d default dictsort e escape first float int items last length list "
    "lower map max min reject rejectattr replace reverse round safe select selectattr sort string "
    "sum title trim unique upper".split()
)
_STR_METHODS: Final = frozenset(
    "capitalize count endswith find index isalnum isalpha isdigit islower isspace isupper lower "
    "lstrip partition removeprefix removesuffix replace rfind rindex rpartition rsplit rstrip "
    "split splitlines startswith strip title upper".split()
)


class _Budget:
    """Work left to one rendering."""

    def __init__(self, chars: int) -> None:
        self.steps = MAX_STEPS
        self.chars = MAX_CHARS + 64 * chars

    def step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise _OverBudget("it takes too many steps, as if it looped for ever")

    def made(self, length: int) -> None:
        self.chars -= length
        if self.chars < 0:
            raise _OverBudget("it makes too much text")


class _OverBudget(Exception):
    pass


class _Refusal(jinja2.TemplateError):
    """The template itself called ``raise_exception``."""


class _Generator(CodeGenerator):
    """Jinja joins ``a ~ b`` with plain ``str.join``, which would lose the marks."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 (Jinja's name)
        self.write("environment.concat((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class _Sandbox(ImmutableSandboxedEnvironment):
    code_generator_class = _Generator
    # Interception also keeps the optimizer from folding 'a' * 10**9 while compiling.
    intercepted_binops = frozenset(["+", "*", "**", "%", "//", "/", "-"])

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.loopcontrols"],
            cache_size=0,
        )
        self.budget = _Budget(0)
        self.filters = {name: self.filters[name] for name in _FILTERS}
        self.filters |= {
            "join": self._join,
            "replace": self._replace,
            "tojson": _tojson,
            "indent": _indent,
            "_steps": self._steps,
        }
        for name in ("lipsum", "cycler", "joiner"):
            self.globals.pop(name, None)
        self.globals["raise_exception"] = _raise_exception
        self.globals["range"] = self._range

    def concat(self, parts: Iterable[Any]) -> Marked:
        text = join(str(part) for part in parts)
        self.budget.made(len(text))
        return text

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = nodes.Filter(loop.iter, "_steps", [], [], None, None, lineno=loop.lineno)
        return tree

    def _steps(self, items: Any) -> Any:
        """Loop over ``items`` on the budget; its length stays visible to ``loop.last``."""
        if isinstance(items, jinja2.Undefined):
            return items
        taken: list[Any] = []
        for item in items:
            self.budget.step()
            taken.append(item)
        return taken

    def _range(self, *args: int) -> Iterator[int]:
        numbers = range(*args)
        for number in numbers:
            self.budget.step()
            yield number

    def call(self, context: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:
        self.budget.step()
        text, method = getattr(obj, "__self__", None), getattr(obj, "__name__", "")
        if isinstance(text, str) and method == "replace":
            return self._replace(text, *args)
        if isinstance(text, str) and method == "join":
            return self._join(args[0] if args else (), text)
        result = super().call(context, obj, *args, **kwargs)
        if isinstance(result, str):
            self.budget.made(len(result))
        return result

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        self.budget.step()
        if operator == "*":
            for text, times in ((left, right), (right, left)):
                if isinstance(text, (str, list, tuple)) and isinstance(times, int):
                    self.budget.made(len(text) * max(times, 0))
        if operator == "**" or (operator == "%" and isinstance(left, str)):
            raise _OverBudget(f"it uses '{operator}', which no chat template needs")
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, (str, list, tuple)):
            self.budget.made(len(result))
        elif isinstance(result, int) and result.bit_length() > 64:
            raise _OverBudget("it computes with huge numbers")
        return result

    # These two can make much from little, so the budget is asked first.
    def _replace(self, text: str, old: str, new: str, count: int | None = None) -> str:
        places = str.count(text, old) if old else len(text) + 1
        self.budget.made(len(text) + places * len(new))
        return str(text).replace(old, new, -1 if count is None else count)

    def _join(
        self, items: Iterable[Any], separator: str = "", attribute: str | None = None
    ) -> Marked:
        if attribute is not None:
            items = [item.get(attribute, "") for item in items if isinstance(item, Mapping)]
        parts = [str(item) for item in items]
        self.budget.made(sum(map(len, parts)) + len(separator) * len(parts))
        return Marked(separator).join(parts)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str) and attr not in _STR_METHODS:
            return False
        return super().is_safe_attribute(obj, attr, value)


def _raise_exception(message: str) -> None:
    raise _Refusal(str.__str__(str(message)))


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> Marked:
    # Keys keep their order and text its letters, as in transformers' own tojson.
    text = json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )
    return Marked(text, owner_within(value))


def _indent(text: str, width: int = 4, first: bool = False, blank: bool = False) -> Marked:
    pad = Marked(" " * min(int(width), 64))
    lines = Marked(text, text.runs if isinstance(text, Marked) else TEMPLATE).split("\n")
    out = [pad + line if (n or first) and (line or blank) else line for n, line in enumerate(lines)]
    return Marked("\n").join(out)


# Tags that mark the assistant's part for training; they print nothing.
_GENERATION_TAG: Final = re.compile(r"{%-?\s*(?:end)?generation\s*-?%}")


@lru_cache(maxsize=8)
def _compile(source: str) -> tuple[_Sandbox, jinja2.Template]:
    if len(source) > MAX_SOURCE:
        raise TemplateError(f"The chat template is longer than {MAX_SOURCE:,} characters.")
    sandbox = _Sandbox()
    try:
        return sandbox, sandbox.from_string(_GENERATION_TAG.sub("", source))
    except jinja2.TemplateError as error:
        raise TemplateError(f"The chat template is not valid Jinja: {error}") from error
    except (RecursionError, MemoryError, SyntaxError, ValueError, TypeError) as error:
        raise TemplateError(f"The chat template cannot be compiled: {error}") from error


# A compiled template's sandbox holds the budget of the rendering that is under way.
_RENDERING: Final = threading.Lock()


class ChatTemplate:
    """A chat template and the names it may use (``bos_token``, ``eos_token``).

    Tools come as a message of the role ``tools``, whose content is their JSON. The template finds
    them in its variable ``tools``, where templates look for them, and not among the messages.

    ``source`` is Jinja text, as stored in the weight file; ``None`` stands for a model without
    one, whose messages are then sent as plain text (:data:`PLAIN`).
    """

    def __init__(self, source: str | None, *, bos_token: str = "", eos_token: str = "") -> None:
        self.own = source is not None
        self.source = PLAIN if source is None else source
        self._names = {"bos_token": bos_token, "eos_token": eos_token}

    def render(
        self,
        messages: Sequence[Message],
        *,
        control: Iterable[str] = (),
        answer: bool = True,
    ) -> Marked:
        """Render the messages; every character of the result has an owner.

        ``control`` names the model's control tokens: if a message holds one, the rendering is
        checked to leave it in the message's own text. Raises :class:`TemplateError`.
        """
        text = self._render(messages, answer)
        texts = list(_texts(messages))
        typed = [name for name in control if any(name in text for text in texts)]
        if typed:
            self._check_typed(messages, typed, text, answer)
        return text

    @cached_property
    def takes_tools(self) -> bool:
        """Whether the template shows a model the tools it may ask for, and what came of a call.

        Found by trying: some templates read ``tools`` and then refuse a result that is text alone.
        """
        if "tools" not in self.source:
            return False
        trial = [
            Message("tools", DECLARATION),
            Message("user", "What is 2 + 2?"),
            Message("assistant", "<tool_call>"),
            Message("tool", "2 + 2 = 4"),
        ]
        try:
            text = self._render(trial, answer=True)
        except TemplateError:
            return False
        return "calculator" in text and "2 + 2 = 4" in text

    def _check_typed(
        self, messages: Sequence[Message], typed: Sequence[str], text: Marked, answer: bool
    ) -> None:
        """Refuse a template that hides who wrote a control-token string."""
        expected = self._render(messages, answer, broken=typed)
        for name in typed:
            if _written(text, name) != _written(expected, name):
                raise TemplateError(
                    f"A message holds {name!r}, and this model's template rewrites messages so "
                    "that it would turn into a control token. Nothing was sent."
                )

    def _tools(self, messages: Sequence[Message], broken: Sequence[str]) -> list[Any] | None:
        """The variable ``tools``, which is None where none are declared, as in transformers."""
        declared = _declared(messages)
        if not declared:
            return None
        if len(declared) > 1:
            raise TemplateError("Only one message of a request may declare tools.")
        if "tools" not in self.source:
            raise TemplateError("This model's template has no place for tools. Nothing was sent.")
        index, tools = declared[0]
        return [_marked(tool, index, broken) for tool in tools]

    def _render(
        self, messages: Sequence[Message], answer: bool, broken: Sequence[str] = ()
    ) -> Marked:
        with _RENDERING:
            return self._run(messages, answer, broken)

    def _run(self, messages: Sequence[Message], answer: bool, broken: Sequence[str]) -> Marked:
        sandbox, template = _compile(self.source)
        sandbox.budget = _Budget(sum(len(message.content) for message in messages))
        values = {
            "messages": [
                {"role": message.role, "content": Marked(_break(message.content, broken), index)}
                for index, message in enumerate(messages)
                if message.role != "tools"
            ],
            "tools": self._tools(messages, broken),
            "add_generation_prompt": answer,
            **self._names,
        }
        try:
            context = template.new_context(values)
            return sandbox.concat(template.root_render_func(context))
        except _Refusal as error:
            raise TemplateError(f"The model's chat template refuses this: {error}") from error
        except _OverBudget as error:
            raise TemplateError(f"The model's chat template was stopped: {error}.") from error
        except RecursionError as error:
            raise TemplateError(
                "The model's chat template was stopped: it calls itself."
            ) from error
        except MemoryError as error:
            raise TemplateError("The model's chat template was stopped: no memory.") from error
        except Exception as error:  # whatever a stranger's code raises
            raise TemplateError(
                f"The model's chat template fails on these messages: "
                f"{type(error).__name__}: {error}"
            ) from error


def _declared(messages: Sequence[Message]) -> list[tuple[int, list[Any]]]:
    """The tools that messages declare, each list with the index of its message."""
    try:
        return [(n, read_tools(m.content)) for n, m in enumerate(messages) if m.role == "tools"]
    except ContextError as error:
        raise TemplateError(str(error)) from error


def _texts(messages: Sequence[Message]) -> Iterator[str]:
    """All text of messages, as a template may come to write it."""
    for message in messages:
        if message.role != "tools":
            yield message.content
    for _, tools in _declared(messages):
        yield from _strings(tools)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in (*value.keys(), *value.values()):
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _marked(value: Any, index: int, broken: Sequence[str]) -> Any:
    """JSON's value with every text marked as of message ``index``."""
    if isinstance(value, str):
        return Marked(_break(value, broken), index)
    if isinstance(value, dict):
        return {
            _marked(key, index, broken): _marked(item, index, broken) for key, item in value.items()
        }
    return [_marked(item, index, broken) for item in value] if isinstance(value, list) else value


def _break(content: str, names: Sequence[str]) -> str:
    """The content with control-token strings broken by a word joiner."""
    for name in names:
        content = content.replace(name, name[:1] + "\u2060" + name[1:])
    return content


def _written(text: Marked, name: str) -> int:
    """How often the template itself wrote ``name``."""
    count = at = 0
    for owner, length in text.runs:
        if owner == TEMPLATE:
            count += str.__getitem__(text, slice(at, at + length)).count(name)
        at += length
    return count
