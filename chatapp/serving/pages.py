"""The pages around the screen: what awaits a visitor, and why somebody cannot come in."""

from __future__ import annotations

import html
import string
from pathlib import Path
from typing import Final

from aiohttp import web

from chatapp.serving.limits import Limits

__all__ = ["AGAIN", "PAGES", "page", "refusal", "welcome"]

AGAIN: Final = '<meta http-equiv="refresh" content="0; url=?again=1"><p>One moment…</p>'
"""Asks for the same address once more, from a page of ours."""
PAGES: Final = Path(__file__).parent / "page"


def welcome(limits: Limits, label: str) -> str:
    """What a visitor should know before beginning, with the button that begins."""
    return (
        "<p>A chat on a small language model, in your browser. The model runs on the computer that "
        "sent you this page; you share it with the others here.</p><ul>"
        f"<li>The model is {html.escape(label)}. Its weights never change: it learns nothing from "
        "you, and nothing of what you write reaches the others here.</li>"
        "<li>Nothing is kept. When you close the page, your sessions are gone. The connection is "
        "not encrypted, so write nothing private.</li>"
        f"<li>Each visitor has {limits.minutes} minutes and {limits.total_tokens:,} tokens, "
        f"{limits.reply_tokens} in a reply. Requests are answered in turn; the screen tells your "
        'place.</li></ul><form method="post"><button autofocus>Begin</button></form>'
    )


def refusal(why: object, status: int = 403) -> web.Response:
    """A page with one sentence."""
    return page(f"<p>{html.escape(str(why))}</p>", status)


def page(said: str, status: int = 200) -> web.Response:
    """A page that says ``said`` (HTML of ours)."""
    template = string.Template((PAGES / "said.html").read_text("utf-8"))
    return web.Response(
        text=template.substitute(said=said),
        content_type="text/html",
        status=status,
        headers={"Cache-Control": "no-store"},
    )
