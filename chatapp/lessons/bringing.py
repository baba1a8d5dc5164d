"""What a step brings in beside typed words, a file or passages: read as a person's are."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from chatapp.context.parts import Part, tokens_of_parts, write
from chatapp.conversation import Conversation
from chatapp.errors import LessonError, SourceError
from chatapp.lessons.outcome import Outcome
from chatapp.lessons.stage import Stage
from chatapp.lessons.steps import Attach, Lesson, Retrieve
from chatapp.lessons.words import Words, words_of
from chatapp.proofs.evidence import Table
from chatapp.sources.files import attach
from chatapp.sources.index import Index, numbered
from chatapp.sources.notes import Notes


def place_of(lesson: Lesson, name: str, where: str, *, folder: bool) -> Path:
    """A file or folder beside the lesson, never elsewhere. Raises :class:`LessonError`."""
    what = "folder" if folder else "file"
    if lesson.folder is None:
        raise LessonError(f"{where}: the lesson lies in no folder, so no {what} lies beside it.")
    root = lesson.folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise LessonError(f"{where}: {name} does not lie below the lesson's folder.")
    if not (path.is_dir() if folder else path.is_file()):
        raise LessonError(f"{where}: there is no {what} {name} beside the lesson.")
    return path


def check_notes(texts: Sequence[str], where: str) -> None:
    """Whether these could be saved notes of a person. Raises :class:`LessonError`."""
    notes = Notes(on=True)
    for number, text in enumerate(texts, 1):
        try:
            notes = notes.with_note(text)
        except SourceError as error:
            raise LessonError(f"{where}, note {number}: {error}") from None


async def bring(step: Attach | Retrieve, stage: Stage, lesson: Lesson) -> Outcome:
    """Attach what the step names; it goes with the next message."""
    where = f"step {step.number}"
    say = words_of(lesson.language)
    if isinstance(step, Attach):
        path = place_of(lesson, step.attach, where, folder=False)
        parts: Sequence[Part] = (await asyncio.to_thread(attach, path),)
        return await _brought(parts, {}, stage, say)
    folder = place_of(lesson, step.retrieve, where, folder=True)
    with tempfile.TemporaryDirectory(prefix="chatapp-lesson-") as cache:
        index = Index(folder, Path(cache))
        found = await asyncio.to_thread(index.search, step.question)
    if not found:
        raise SourceError(f"No passage in {step.retrieve} holds a word of: {step.question}")
    return await _brought(numbered(found), {"files": index.files}, stage, say)


async def _brought(
    parts: Sequence[Part], values: dict[str, int], stage: Stage, say: Words
) -> Outcome:
    await stage.attach(parts)
    counts = await _tokens(stage.conversation, stage.attached)
    own = counts[-len(parts) :] if counts else [None] * len(parts)
    return Outcome(
        values={
            **values,
            "parts": len(parts),
            "characters": sum(len(part.text) for part in parts),
            "part_tokens": sum(counts[-len(parts) :]) if counts else None,
        },
        blocks=[
            Table(
                title=say("view-attached"),
                columns=[say(f"column-{name}") for name in ("part", "text", "tokens")],
                rows=[
                    [part.label, part.text, tokens] for part, tokens in zip(parts, own, strict=True)
                ],
            )
        ],
    )


async def _tokens(conversation: Conversation, parts: Sequence[Part]) -> list[int]:
    """What each part costs, as the next message holds them; nothing where that is not revealed."""
    messages = conversation.messages(write(parts, ""))
    prompt = await conversation.counter.prompt(messages)
    return tokens_of_parts(prompt, messages, len(messages) - 1) if prompt is not None else []
