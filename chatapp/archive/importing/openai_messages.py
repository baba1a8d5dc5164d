"""Message JSONL as used for fine-tuning: ``{"messages": [{"role", "content"}, …]}`` on each line.

https://platform.openai.com/docs/api-reference/fine-tuning/chat-input; TRL, axolotl and others read
the same lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from chatapp.archive.importing.draft import Draft
from chatapp.archive.importing.skipped import Tally
from chatapp.archive.records import ImportedSession
from chatapp.context.messages import Role

ROLES: Final[dict[str, Role]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
LONGEST: Final = 64 * 1024 * 1024
"""Bytes of one line; a longer one is skipped, so that it is never held in memory."""

_BOM: Final = b"\xef\xbb\xbf"
_TEXT_PARTS: Final = {
    "text": "text",
    "input_text": "text",
    "output_text": "text",
    "refusal": "refusal",
}
_LOOKED_AT: Final = 50  # lines, to tell whether it is such a file


def looks_like(path: Path) -> bool:
    """Whether one of the first lines is an object with messages."""
    with path.open("rb") as file:
        first = islice(_lines(file), _LOOKED_AT)
        return any(_parsed(raw)[0] is not None for _, raw in first)


def sessions(path: Path, tally: Tally) -> Iterator[ImportedSession]:
    """One conversation for each line that is one."""
    with path.open("rb") as file:
        for number, raw in _lines(file):
            if raw is not None and not raw.strip():
                continue
            messages, why = _parsed(raw)
            if messages is None:
                tally.broken(f"line {number:,}", why)
                continue
            draft = Draft()
            for message in messages:
                _add(draft, message, tally)
            found = draft.finish(source=f"{path.name}, line {number:,}", kind="openai")
            if found is None:
                tally.add("nothing")
            else:
                yield found


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number; ``None`` for one that is too long."""
    number = 0
    while raw := file.readline(LONGEST):
        number += 1
        if number == 1:
            raw = raw.removeprefix(_BOM)
        if len(raw) < LONGEST or raw.endswith(b"\n"):
            yield number, raw
            continue
        while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
            pass
        yield number, None


def _parsed(raw: bytes | None) -> tuple[list[Any] | None, str]:
    """The messages of a line, or ``None`` and the reason."""
    if raw is None:
        return None, f"longer than {LONGEST // 2**20} MiB"
    if not raw.lstrip().startswith(b"{"):
        return None, "not a JSON object"
    try:
        line = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return None, "not UTF-8"
    except json.JSONDecodeError as error:
        return None, f"not JSON: {error.msg} at column {error.colno}"
    except (ValueError, RecursionError):
        return None, "not JSON that can be read: a number or its nesting is too large"
    messages = line.get("messages")
    if not isinstance(messages, list):
        return None, "no list of 'messages'"
    return messages, ""


def _add(draft: Draft, message: Any, tally: Tally) -> None:
    """Add one message to the end of the conversation, or count why not."""
    role = message.get("role") if isinstance(message, dict) else None
    if role in ("tool", "function"):
        tally.add("tool")
        return
    if not isinstance(role, str) or role not in ROLES:
        tally.add("role")
        return
    calls = message.get("tool_calls")
    called = len(calls) if isinstance(calls, list) else 0
    called += isinstance(message.get("function_call"), dict)
    tally.add("tool", called)
    text, attached = _text(message.get("content"))
    tally.add("attachment", attached)
    if not text and isinstance(message.get("refusal"), str):
        text = message["refusal"]
    if text:
        draft.add(ROLES[role], text, len(draft) - 1 if len(draft) else None)
    elif not called and not attached:
        tally.add("blank")


def _text(content: Any) -> tuple[str, int]:
    """The text of a message, and how many of its parts are something else."""
    if isinstance(content, str):
        return content, 0
    texts, attached = [], 0
    for part in content if isinstance(content, list) else ():
        if isinstance(part, str):
            texts.append(part)
            continue
        kind = part.get("type") if isinstance(part, dict) else None
        text = (
            part.get(_TEXT_PARTS[kind]) if isinstance(kind, str) and kind in _TEXT_PARTS else None
        )
        if isinstance(text, str):
            texts.append(text)
        else:
            attached += 1
    return "\n".join(texts), attached
