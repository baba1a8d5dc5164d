"""``conversations.json`` of a ChatGPT data export: one JSON array, a tree for each conversation.

The format is not published; this follows what exports hold. A conversation has ``mapping`` (node id
→ ``parent``, ``children``, ``message``) and ``current_node``, the end of the branch in sight.
The array is read one conversation at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from chatapp.archive.importing.chatgpt_message import readable
from chatapp.archive.importing.draft import Draft, moment, name_of
from chatapp.archive.importing.json_array import BrokenArray, items
from chatapp.archive.importing.skipped import Tally
from chatapp.archive.records import ImportedSession
from chatapp.errors import ImportFileError

_LOOKED_AT: Final = 20  # conversations, to tell whether it is such a file

Node = Mapping[str, Any]


def looks_like(path: Path) -> bool:
    """Whether it is an empty array, or one of the first objects in it has a mapping."""
    seen = 0
    with closing(items(path)) as found:
        try:
            for seen, one in enumerate(found, 1):
                if isinstance(one, dict) and isinstance(one.get("mapping"), dict):
                    return True
                if seen == _LOOKED_AT:
                    break
        except BrokenArray:
            return False
    return seen == 0


def sessions(path: Path, tally: Tally) -> Iterator[ImportedSession]:
    """One session for each conversation; raises :class:`ImportFileError` where the file breaks."""
    number = 0
    with closing(items(path)) as found:
        try:
            for number, conversation in enumerate(found, 1):
                session = _session(path, number, conversation, tally)
                if session is not None:
                    yield session
        except BrokenArray as error:
            raise ImportFileError(
                f"{path.name} breaks off after conversation {number:,}: {error}. "
                "What stands before it can be imported."
            ) from error


def _session(path: Path, number: int, conversation: Any, tally: Tally) -> ImportedSession | None:
    mapping = conversation.get("mapping") if isinstance(conversation, dict) else None
    if not isinstance(mapping, dict):
        tally.broken(f"conversation {number:,}", "it has no mapping of messages")
        return None
    nodes: dict[str, Node] = {
        ident: node if isinstance(node, dict) else {} for ident, node in mapping.items()
    }
    draft = Draft()
    default = name_of(conversation.get("default_model_slug"))
    places: dict[str, int | None] = {}  # of each node, the nearest message that was kept
    for ident, parent in _in_order(nodes):
        above = places[parent] if parent is not None else None
        places[ident] = above
        message = readable(nodes[ident].get("message"), tally)
        if message is not None:
            places[ident] = draft.add(
                message.role,
                message.text,
                above,
                created=message.created,
                model=message.model or default,
            )
    tally.add("detached", len(nodes.keys() - places.keys()))
    current = conversation.get("current_node")
    ident = conversation.get("conversation_id") or conversation.get("id")
    found = draft.finish(
        source=f"ChatGPT export, {path.name}",
        kind="chatgpt",
        ident=ident if isinstance(ident, str) else None,
        title=conversation.get("title"),
        created=moment(conversation.get("create_time")),
        tip=places.get(current) if isinstance(current, str) else None,
    )
    if found is None:
        tally.add("nothing")
    return found


def _in_order(nodes: Mapping[str, Node]) -> Iterator[tuple[str, str | None]]:
    """Each node with its parent, parents first, siblings oldest first.

    ``parent`` and ``children`` should say the same; where one is missing the other serves. Nodes
    that stand in a ring hang on nothing and are left out.
    """
    listed: dict[str, str] = {}
    for ident, node in nodes.items():
        for child in _children(node):
            listed.setdefault(child, ident)
    below: dict[str | None, list[str]] = {}
    for ident, node in nodes.items():
        parent = node.get("parent")
        known = isinstance(parent, str) and parent in nodes
        below.setdefault(parent if known else listed.get(ident), []).append(ident)
    waiting: list[tuple[str, str | None]] = [(root, None) for root in reversed(below.get(None, []))]
    while waiting:
        ident, parent_ident = waiting.pop()
        yield ident, parent_ident
        order = {child: place for place, child in enumerate(_children(nodes[ident]))}
        children = sorted(below.get(ident, []), key=lambda child: order.get(child, len(order)))
        waiting.extend((child, ident) for child in reversed(children))


def _children(node: Node) -> list[str]:
    children = node.get("children")
    if not isinstance(children, list):
        return []
    return [child for child in children if isinstance(child, str)]
