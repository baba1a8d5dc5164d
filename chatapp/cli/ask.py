"""``chatapp ask``: one question, one answer on stdout."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from chatapp.cli.opening import Opened, open_engine, sampling_of
from chatapp.cli.options import add_command, add_model_options, open_home, settings_from
from chatapp.cli.text import clean
from chatapp.errors import ChatappError

if TYPE_CHECKING:
    from chatapp.context.parts import Part
    from chatapp.conversation import Conversation, TurnFacts
    from chatapp.home.paths import Home
    from chatapp.home.settings import AppSettings

__all__ = ["register"]

CUT_OFF = 3
"""Exit status when the reply reached the length set or the end of the window."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        subparsers,
        "ask",
        help="one question, one answer on stdout",
        description="Ask once and print the answer. What is piped in is added below the question. "
        "Nothing is kept: the next question starts from zero.",
        epilog="exit status: 0 the model ended its reply, 1 an error, 2 wrong usage,\n"
        "3 the reply was cut off (at --max-tokens or the end of the window)\n\n"
        "examples:\n"
        '  chatapp ask "What is the capital of Turkey?"\n'
        '  chatapp ask --attach notes.md "What is the dog called?"\n'
        '  git diff | chatapp ask "What does this change?"\n'
        '  chatapp ask --show-prompt "Hello"      what would be sent, without running it\n',
    )
    parser.add_argument(
        "--attach",
        action="append",
        default=[],
        metavar="FILE",
        help="a file whose text goes before the question (text, code, PDF); repeatable",
    )
    parser.add_argument(
        "--retrieve",
        metavar="FOLDER",
        help="search this folder for passages that fit the question, and paste them before it",
    )
    parser.add_argument(
        "--notes",
        action="store_true",
        help="paste the saved notes into the system prompt (chatapp notes), on or off",
    )
    parser.add_argument("question", nargs="?", metavar="QUESTION", help="what to ask")
    parser.add_argument(
        "--json", action="store_true", help="the answer with its prompt, tokens and counts"
    )
    parser.add_argument(
        "--show-prompt",
        action="store_true",
        help="print exactly what would be sent; the model does not run",
    )
    add_model_options(parser)
    parser.set_defaults(run=_command)


def _command(args: argparse.Namespace) -> int:
    import asyncio

    from chatapp.context.parts import write

    parts = _attached(args.attach)
    question = _question(args.question, needed=not parts)
    home, settings = open_home(args)
    if args.retrieve is not None:
        parts += _retrieved(args.retrieve, home, question)
    question = write(parts, question)
    settings = settings_from(args, settings)
    notes = _notes(home) if args.notes else ()
    opened = open_engine(home, settings, requested=args.model)
    return asyncio.run(_run(args, settings, opened, question, notes))


def _notes(home: Home) -> tuple[str, ...]:
    from chatapp.sources.notes import load_notes

    notes = load_notes(home.notes_file).texts
    if not notes:
        raise ChatappError('No notes are saved. Try: chatapp notes add "My dog is Biscuit."')
    return notes


def _attached(names: list[str]) -> list[Part]:
    from pathlib import Path

    from chatapp.sources.files import attach

    return [attach(Path(name)) for name in names]


def _retrieved(folder: str, home: Home, question: str) -> list[Part]:
    """The passages that fit the question, told on stderr before anything is sent."""
    from pathlib import Path

    from chatapp.sources.index import Index, numbered

    found = Index(Path(folder), home.cache).search(question)
    parts = list(numbered(found))
    for part, one in zip(parts, found, strict=True):
        print(f"chatapp: pasted {clean(part.label)} (score {one.score:.2f})", file=sys.stderr)
    if not found:
        print("chatapp: no passage holds a word of the question; none is pasted.", file=sys.stderr)
    return parts


def _question(typed: str | None, *, needed: bool = True) -> str:
    """The question, with what was piped in below it. Raises :class:`ChatappError`."""
    piped = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()
    parts = [part for part in (typed, piped.rstrip("\n")) if part]
    if not parts and needed:
        raise ChatappError('There is no question. Try: chatapp ask "What is a token?"')
    return "\n\n".join(parts)


async def _run(
    args: argparse.Namespace,
    settings: AppSettings,
    opened: Opened,
    question: str,
    notes: tuple[str, ...],
) -> int:
    from chatapp.conversation import Conversation

    conversation = Conversation(
        opened.engine,
        opened.counter,
        system=settings.system,
        sampling=sampling_of(settings),
        policy=settings.policy,
        notes=notes,
        tools=settings.tools,
    )
    try:
        if conversation.tools and (why := await conversation.why_no_tools()):
            raise ChatappError(why)
        if args.show_prompt:
            await _show_prompt(args, conversation, question)
            return 0
        return await _answer(args, conversation, opened, question)
    finally:
        await opened.engine.close()


async def _show_prompt(args: argparse.Namespace, conversation: Conversation, question: str) -> None:
    from chatapp.context.messages import as_dicts
    from chatapp.engine.wire import prompt_as_dict

    messages = conversation.messages(question)
    prompt = await conversation.counter.prompt(messages)
    if prompt is None:
        # A server does not say what it makes of the messages; they are what is sent.
        _print_json({"messages": as_dicts(messages)})
    elif args.json:
        _print_json({"messages": as_dicts(messages), **prompt_as_dict(prompt)})
    else:
        _write(prompt.text)


async def _answer(
    args: argparse.Namespace, conversation: Conversation, opened: Opened, question: str
) -> int:
    from chatapp.conversation import Called, Failed
    from chatapp.engine.protocol import Sent, Token

    # Whether a reply is the answer or a call is known at its end.
    streams = not args.json and not conversation.tools
    async for step in conversation.send(question):
        if isinstance(step, Sent) and opened.engine.info and opened.engine.info.note:
            print(f"chatapp: {clean(opened.engine.info.note)}", file=sys.stderr)
        if isinstance(step, Token) and streams:
            _write(step.text)
        elif isinstance(step, Called):
            _tell(step.reply.content, step.result.content)
        elif isinstance(step, Failed):
            if streams and conversation.nodes[-1].content:
                _write("\n")
            raise ChatappError(step.sentence)
    reply = conversation.nodes[-1]
    if reply.note:
        print(f"chatapp: {clean(reply.note)}", file=sys.stderr)
    if conversation.tools and not args.json:
        _write(reply.content)
    if args.json:
        _print_json(_as_dict(conversation, opened))
    elif not reply.content.endswith("\n"):
        _write("\n")
    return 0 if reply.status == "complete" else CUT_OFF


def _tell(wrote: str, result: str) -> None:
    """A call and its result, on stderr: the answer alone goes to stdout."""
    print(f"chatapp: the model wrote: {clean(wrote)}", file=sys.stderr)
    print(
        f"chatapp: a program of chatapp, not the model, answers: {clean(result)}", file=sys.stderr
    )
    print("chatapp: all of it is sent again.", file=sys.stderr)


def _as_dict(conversation: Conversation, opened: Opened) -> dict[str, Any]:
    """Everything that is known of the answer; null means that it was not revealed."""
    from chatapp.engine.wire import prompt_as_dict

    reply = conversation.nodes[-1]
    facts = reply.facts
    assert facts is not None
    info = opened.engine.info
    return {
        "text": reply.content,
        "status": reply.status,
        "model": info.model if info else opened.label,
        "adapter": info.adapter if info else None,
        "adapter_sha256": info.adapter_sha256 if info else None,
        "adapter_scale": info.adapter_scale if info else None,
        "messages": [message.as_dict() for message in facts.messages],
        "sampling": facts.sampling.as_dict(),
        "tokens_sent": facts.tokens_sent,
        "tokens_reply": facts.reply_tokens,
        "seconds_to_first_token": facts.first_token_seconds,
        "tokens_per_second": facts.tokens_per_second,
        "parts": _parts(facts),
        "prompt": prompt_as_dict(facts.prompt) if facts.prompt else None,
    }


def _parts(facts: TurnFacts) -> list[dict[str, Any]]:
    """What was not typed, in the order of the prompt; tokens null where they are not revealed."""
    from chatapp.context.parts import parts_of, sections

    counts = [
        section.tokens
        for section in (sections(facts.prompt, facts.messages) if facts.prompt else ())
        if section.part is not None
    ]
    found = [
        one.part for message in facts.messages for one in parts_of(message.role, message.content)
    ]
    return [
        {
            "kind": part.kind,
            "label": part.label,
            "characters": len(part.text),
            "tokens": counts[n] if len(counts) == len(found) else None,
        }
        for n, part in enumerate(found)
    ]


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def _write(text: str) -> None:
    """Print as it comes; on a terminal nothing that a model writes may steer it."""
    sys.stdout.write(clean(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()
