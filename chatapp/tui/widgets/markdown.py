"""Markdown written by a model: shown, never obeyed.

Imported with the first reply, as it brings a parser that the first frame need not wait for.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Markdown
from textual.widgets._markdown import MarkdownBlock, MarkdownTable, MarkdownTableContent

from chatapp.tui.widgets.growing import (
    GrowingBulletList,
    GrowingFence,
    GrowingOrderedList,
    GrowingParagraph,
    graft,
    growing_in,
)
from chatapp.tui.widgets.still import Still

__all__ = ["ReplyMarkdown"]

_LONGEST_LIT: Final = 10_000
"""Longer code is shown without colours: finding them costs more than they tell."""


def _show_addresses(state: StateCore) -> None:
    """Write each link's address beside its text, so that nothing points where it does not say."""
    for token in state.tokens:
        if token.type == "inline" and token.children:
            token.children = _with_addresses(token.children)


def _with_addresses(children: list[Token]) -> list[Token]:
    shown: list[Token] = []
    open_links: list[tuple[str, int]] = []
    for child in children:
        if child.type == "link_open":
            open_links.append((str(child.attrs.get("href", "")), len(shown)))
        elif child.type == "link_close" and open_links:
            address, start = open_links.pop()
            text = "".join(part.content for part in shown[start:])
            if text not in address or not text:
                shown.append(_text(f" ({address})"))
        shown.append(child)
        if child.type == "image":
            shown.append(_text(f" ({child.attrs.get('src', '')})"))
    return shown


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


class _Parser(MarkdownIt):
    def parse(self, src: str, env: MutableMapping[str, Any] | None = None) -> list[Token]:
        """Read Markdown; what cannot be read stands as it is."""
        try:
            return super().parse(src, env)
        except Exception:  # a model can write anything, and a parser has limits
            lines = max(len(src.splitlines()), 1)
            return [Token("fence", "code", 0, map=[0, lines], content=src)]


def _parser() -> MarkdownIt:
    # HTML off: tags are then shown as the text they are, where Textual would leave them out.
    parser = _Parser("gfm-like", {"html": False})
    parser.core.ruler.push("show_addresses", _show_addresses)
    return parser


class _Fence(GrowingFence):
    @classmethod
    def highlight(cls, code: str, language: str, ansi: bool = False, dark: bool = False) -> Content:
        # Without a language Textual would guess one, which loads every lexer there is.
        if not language or len(code) > _LONGEST_LIT:
            return Content(code)
        return super().highlight(code, language, ansi=ansi, dark=dark)


class _TableContent(MarkdownTableContent):
    def compose(self) -> ComposeResult:
        for cell in super().compose():
            cell.tooltip = None  # tooltips would read the cell's text as console markup
            yield cell


class _Table(MarkdownTable):
    def compose(self) -> ComposeResult:
        self._headers, self._rows = self._get_headers_and_rows()
        yield _TableContent(self._headers, self._rows)


class ReplyMarkdown(Still, Markdown):
    """A reply. Links show their address and open nothing; HTML is text.

    While it comes, :meth:`grow` adds to it; :meth:`settle` shows all of it in the end.
    """

    COMPONENT_CLASSES = MarkdownBlock.COMPONENT_CLASSES
    DEFAULT_CSS = """
    ReplyMarkdown {
        &:dark > .code_inline { background: $warning 10%; color: $text-warning 95%; }
        &:light > .code_inline { background: $error 5%; color: $text-error 95%; }
        &:ansi > .code_inline { background: ansi_default !important; }
        & > .em { text-style: italic; }
        & > .strong { text-style: bold; }
        & > .s { text-style: strike; }
    }
    """
    BLOCKS = {  # noqa: RUF012 (as Textual declares it)
        **Markdown.BLOCKS,
        "paragraph_open": GrowingParagraph,
        "bullet_list_open": GrowingBulletList,
        "ordered_list_open": GrowingOrderedList,
        "fence": _Fence,
        "code_block": _Fence,
        "table_open": _Table,
    }

    def __init__(self, text: str = "") -> None:
        super().__init__(text, parser_factory=_parser, open_links=False)
        self._parser: MarkdownIt | None = None
        # The text of the last block, which may go on, and how many blocks stand before it.
        self._rest: str | None = None
        self._whole = 0

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        # Without the space below the last block. A rule for the last child would have the styles
        # of all blocks computed anew with each that comes.
        height = super().get_content_height(container, viewport, width)
        return height - self.children[-1].styles.margin.bottom if self.children else height

    async def grow(self, more: str) -> None:
        """Add to the reply."""
        async with self.lock:
            text = (self.source if self._rest is None else self._rest) + more
            self._markdown += more
            at, line = await self._show(text, self._whole)
            self._rest = "\n".join(_lines(text)[line:])
            self._whole += at

    async def settle(self, text: str) -> None:
        """The whole reply, read once more in one piece: a later line can change an earlier one."""
        async with self.lock:
            self._markdown = text
            await self._show(text, 0)
            for growing in self.query(GrowingParagraph):
                growing.settle()
            if (code := growing_in(self)) is not None:
                code.settle()
            self._parser = self._rest = None

    async def _show(self, text: str, first: int) -> tuple[int, int]:
        """Show ``text`` behind the first blocks: the place of its last block, and its line."""
        self._parser = self._parser or _parser()
        tokens = self._parser.parse("\n".join(_lines(text)))
        shown = list(self.children)[first:]
        if len(shown) == 1 and isinstance(shown[0], GrowingParagraph) and _is_paragraph(tokens):
            # By far the most common case, in which no widget need be made to be compared with.
            shown[0].show_token(tokens[1])
            return 0, 0
        blocks = list(self._parse_markdown(tokens))
        before = growing_in(self)
        with self.app.batch_update():
            same = 0
            for old, new in zip(shown, blocks, strict=False):
                if not await graft(old, new):
                    blocks = list(self._parse_markdown(tokens))
                    break
                same += 1
            if gone := shown[same:]:
                await self.remove_children(gone)
            if more := blocks[same:]:
                await self.mount_all(more)
            after = growing_in(self)
            if before is not None and after is not None and after is not before:
                after.follow(before)
            elif before is not None and after is None:
                before.settle()
        return (len(blocks) - 1, blocks[-1].source_range[0]) if blocks else (0, 0)

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        event.stop()
        self.notify(f"Links are not opened from here: {event.href}", markup=False)


def _is_paragraph(tokens: Sequence[Token]) -> bool:
    """Whether this is one paragraph, from the first line on, and nothing else."""
    kinds = ["paragraph_open", "inline", "paragraph_close"]
    return [token.type for token in tokens] == kinds and (tokens[0].map or [1])[0] == 0


def _lines(text: str) -> list[str]:
    """Lines as Markdown counts them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
