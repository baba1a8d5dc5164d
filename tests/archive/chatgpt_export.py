"""A ChatGPT export as the site writes it: a mapping of nodes, an edited question, hidden nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BEGAN = 1_700_000_000.5


def node(
    ident: str,
    parent: str | None,
    children: tuple[str, ...] = (),
    role: str | None = None,
    parts: list[Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """One node of a mapping. Without a ``role`` it only holds the tree together."""
    message = None
    if role is not None:
        content: dict[str, Any] = {"content_type": "text", "parts": parts or [""]}
        message = {
            "id": ident,
            "author": {"role": role, "name": None, "metadata": {}},
            "create_time": BEGAN + len(ident),
            "update_time": None,
            "content": content | more.pop("content", {}),
            "status": "finished_successfully",
            "end_turn": True,
            "weight": 1.0,
            "metadata": more.pop("metadata", {}),
            "recipient": "all",
            "channel": None,
        } | more
    return {"id": ident, "message": message, "parent": parent, "children": list(children)}


def conversation(*nodes: dict[str, Any], current: str, **more: Any) -> dict[str, Any]:
    """One conversation of an export."""
    return {
        "title": "Capital of Turkey",
        "create_time": BEGAN,
        "update_time": BEGAN + 60,
        "mapping": {each["id"]: each for each in nodes},
        "moderation_results": [],
        "current_node": current,
        "plugin_ids": None,
        "conversation_id": "6554a000-1111-8000-aaaa-000000000001",
        "conversation_template_id": None,
        "gizmo_id": None,
        "is_archived": False,
        "safe_urls": [],
        "default_model_slug": "gpt-4o",
        "id": "6554a000-1111-8000-aaaa-000000000001",
    } | more


def two_branches() -> dict[str, Any]:
    """The first answer was regenerated; the first one is in sight again, with one more turn."""
    hidden = {"is_visually_hidden_from_conversation": True}
    model = {"model_slug": "gpt-4o-mini"}
    return conversation(
        node("root", None, ("sys",)),
        node("sys", "root", ("about",), "system", metadata=hidden),
        node(
            "about",
            "sys",
            ("q1",),
            "user",
            metadata=hidden,
            content={
                "content_type": "user_editable_context",
                "user_profile": "I teach.",
                "user_instructions": "Be short.",
            },
        ),
        node("q1", "about", ("a1", "a1b"), "user", ["What is the capital of Turkey?"]),
        node("a1", "q1", ("q2",), "assistant", ["Istanbul."], metadata=model),
        node("a1b", "q1", (), "assistant", ["It is Ankara."]),
        node("q2", "a1", ("call",), "user", ["Look it up."]),
        node(
            "call",
            "q2",
            ("result",),
            "assistant",
            recipient="browser",
            content={"content_type": "code", "language": "unknown", "text": "search('Turkey')"},
        ),
        node("result", "call", ("think",), "tool", ["Ankara is the capital."]),
        node(
            "think",
            "result",
            ("a2",),
            "assistant",
            content={"content_type": "thoughts", "thoughts": [{"content": "Hm."}]},
        ),
        node("a2", "think", (), "assistant", ["Ankara."], metadata=model),
        current="a2",
    )


def write(path: Path, *conversations: Any) -> Path:
    """The file as the export holds it: one line."""
    path.write_text(json.dumps(conversations), encoding="utf-8")
    return path
