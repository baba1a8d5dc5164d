"""One message of the conversation: who, how often sent, the text, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Offset
from textual.message import Message as Event
from textual.selection import SELECT_ALL
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Static

from chatapp.context.parts import parts_of
from chatapp.tui import source_words, tool_words, words
from chatapp.tui.clicked import token_of
from chatapp.tui.widgets.still import Still, StillVertical

if TYPE_CHECKING:
    from chatapp.context.parts import Part
    from chatapp.conversation import Node
    from chatapp.tui.widgets.markdown import ReplyMarkdown

__all__ = ["MessageView"]

_SHOWN: Final = 6_000
"""Characters of a person's message that are shown; all of it is sent."""
_MARKDOWN: Final = 60_000
"""A longer reply is shown as plain text, as laying out its Markdown would hold up the screen."""


_NARROW: Final = 50
"""Cells of a message below which its head is kept short."""


class _Head(Still, Widget):
    """The first line of a message, with something at its right end."""

    ALLOW_SELECT = False

    left = Content()
    right = Content()

    def show(self, left: Content, right: Content) -> None:
        if (left, right) != (self.left, self.right):
            self.left, self.right = left, right
            self.refresh()

    def render(self) -> Content:
        gap = self.size.width - self.left.cell_length - self.right.cell_length
        if gap < 1:
            return Content.assemble(self.left, " ", self.right).truncate(self.size.width)
        return Content.assemble(self.left, " " * gap, self.right)


class _Foot(Still, Static):
    """What stands under a message."""


class MessageView(StillVertical):
    """A message on the screen. It reads its node again whenever :meth:`refresh_node` is called."""

    class Chosen(Event):
        """The message was clicked."""

        def __init__(self, node: Node) -> None:
            super().__init__()
            self.node = node

    class TokenChosen(Event):
        """A word of the reply was clicked: the token that wrote it."""

        def __init__(self, node: Node, index: int) -> None:
            super().__init__()
            self.node, self.index = node, index

    def __init__(self, node: Node) -> None:
        super().__init__(classes=f"-{node.role}")
        self.node = node
        self.progress: list[str] = []
        self.mark = ""
        self.outside = False
        self.latest = True
        self.unfolded = False
        self._behind: tuple[Node | None, list[Part]] = (None, [])
        self._behind_known = False
        self._foot_lines: list[Content] | None = None
        self._selected = False
        self._sweeping = False
        self._held = False
        """The count is still the old one: the sweep is on its way here."""
        self._sent_shown = node.sent
        self._parts_shown = node.part_tokens
        self._markdown: ReplyMarkdown | None = None
        self._plainly: Static | None = None
        """The reply as plain text, where its Markdown could not be shown."""

    # ── what it consists of ─────────────────────────────────────────────────────────────────────

    def compose(self) -> ComposeResult:
        yield _Head()
        plainly = len(self.node.content) > _MARKDOWN or tool_words.was_answered(self.node)
        if self.node.role == "assistant" and not plainly:
            from chatapp.tui.widgets.markdown import ReplyMarkdown

            self._markdown = ReplyMarkdown(words.visible(self.node.content))
            yield self._markdown
        else:
            yield Static(self._plain(), classes="body", markup=False)
        yield _Foot("", classes="foot", markup=False)

    def on_mount(self) -> None:
        self.refresh_node()

    @property
    def has_parts(self) -> bool:
        """Whether something was attached to this message."""
        return self.node.role == "user" and bool(parts_of("user", self.node.content))

    def unfold(self) -> None:
        """Show what was attached as it was sent, or in one line each again."""
        self.unfolded = not self.unfolded
        self._show_body()

    def _show_body(self) -> None:
        self._parts_shown = self.node.part_tokens
        if self.node.role == "user" and self.is_mounted:
            self.query_one(".body", Static).update(self._plain())

    def _plain(self) -> Content:
        text = self.node.content
        if self.node.role == "user":
            # What was attached is folded to one line each, with what it costs.
            counts = self.node.part_tokens or ()
            text = source_words.folded(text, counts, unfold=self.unfolded)
        text = words.visible(text)
        if len(text) <= _SHOWN:
            return Content(text)
        more = words.many(len(text) - _SHOWN, "more character")
        return Content.assemble(
            text[:_SHOWN], ("\n… ", "dim"), (f"{more}. All of it is sent (F2 shows it).", "italic")
        )

    # ── head and foot ───────────────────────────────────────────────────────────────────────────

    def refresh_node(self) -> None:
        """Show the node as it is now."""
        if not self.is_mounted:
            return
        if not self._held:
            self._sent_shown = self.node.sent
        self.query_one(_Head).show(self._left(), self._right())
        lines = list(self._foot())
        if self.node.part_tokens != self._parts_shown:
            self._show_body()
        if lines != self._foot_lines:
            # An update lays out the whole conversation, so only for something new.
            self._foot_lines = lines
            foot = self.query_one(".foot", Static)
            foot.update(Content("\n").join(lines))
            foot.display = bool(lines)

    def _left(self) -> Content:
        mark = "▸ " if self._selected else ""
        result = self.node.role == "tool"
        narrow = self._foot_width < _NARROW
        role = tool_words.who(self.node, short=narrow) if result else words.role(self.node.role)
        name = f" {role} " if self._presented else role
        style = "bold reverse" if self._presented else "bold"
        parts: list[Content] = [Content.styled(mark, "bold") + Content.styled(name, style)]
        siblings = self.node.siblings
        if len(siblings) > 1:
            noun = "answer" if self.node.role == "assistant" else "version"
            parts.append(self._button("‹", "earlier_answer"))
            parts.append(Content(f"{noun} {self.node.place + 1} of {len(siblings)}"))
            parts.append(self._button("›", "later_answer"))
        if self.mark:
            parts.append(Content.styled(f"({self.mark})", "italic"))
        return Content(" ").join(parts)

    def _right(self) -> Content:
        if self.node.status == "streaming" and not self._sent_shown:
            return Content()
        label = words.times_sent(self._sent_shown)
        if self.outside:
            label = f"{label} · not sent any more"
        if self._sweeping:
            return Content.styled(f"▶ {label} ", "reverse bold")
        return Content.styled(label, "$foreground 60%")

    def _foot(self) -> Iterator[Content]:
        for line in words.flow(self.progress, self._foot_width):
            yield Content.styled(line, "italic")
        if ending := words.ending(self.node):
            wrong = self.node.status == "failed"
            yield Content.styled(ending, "$text-error" if wrong else "$text-warning")
        if asked := tool_words.below_call(self.node):
            yield Content.styled(asked, "$foreground 60%")
        facts = self.node.facts
        if facts and self.node.status != "streaming" and not self.progress:
            # All numbers under the latest reply; under the others, those that tell the story.
            whole = self._selected or (self.latest and not self._brief)
            phrases = words.turn(facts)[: None if whole else 1]
            for line in words.flow(phrases, self._foot_width):
                yield Content.styled(line, "$foreground 60%")
        if self.node.role == "assistant" and self.node.status != "streaming":
            yield from self._pointers()
        if self._selected:
            yield from self._actions()

    def _pointers(self) -> Iterator[Content]:
        """The passages that the reply points to; a click shows them."""
        if not self._behind_known:
            self._behind = source_words.passages_behind(self.node)
            self._behind_known = True
        message, passages = self._behind
        if message is None:
            return
        for part in (found := source_words.pointed(self.node.content, passages)):
            click = Style.from_meta({"@click": f"screen.here('unfold', {id(message)})"})
            name = Content(words.one_line(part.label)).stylize(click)
            yield Content.assemble(("points to ", "$foreground 60%"), name)
        if not found and message is self.node.parent:
            count = words.many(len(passages), "passage")
            yield Content.styled(f"points to none of its {count}", "$foreground 60%")

    @property
    def _foot_width(self) -> int:
        return self.content_size.width or 60

    @property
    def _presented(self) -> bool:
        """Whether it is shown to a room: the speaker stands out, and numbers are few."""
        return self.screen.has_class("-presenter")

    @property
    def _brief(self) -> bool:
        """Whether one number tells the story: for a room, and in a lesson."""
        return self._presented or self.screen.has_class("-lesson")

    def on_resize(self) -> None:
        self.refresh_node()

    def _actions(self) -> Iterator[Content]:
        pairs = [("copy", "copy")]
        if self.node.role == "user":
            pairs.append(("edit", "edit and send again"))
        if self.has_parts:
            pairs.append(("unfold", "what was attached"))
        if self.node.role == "assistant":
            pairs[1:] = [
                ("correct", "correct"),
                ("regenerate", "answer again"),
                ("choice", "tokens"),
                ("mark_good", "+ good"),
                ("mark_bad", "- bad"),
            ]
        line = Content()
        for action, name in pairs:
            button = self._button(f"[ {name} ]", action)
            if line and line.cell_length + 2 + button.cell_length > self._foot_width:
                yield line
                line = Content()
            line = line + Content("  ") + button if line else button
        yield line

    def _button(self, text: str, action: str) -> Content:
        return Content(text).stylize(
            Style.from_meta({"@click": f"screen.here('{action}', {id(self.node)})"})
        )

    # ── what can be done to it ──────────────────────────────────────────────────────────────────

    @property
    def selected(self) -> bool:
        return self._selected

    @selected.setter
    def selected(self, selected: bool) -> None:
        if selected != self._selected:
            self._selected = selected
            self.set_class(selected, "-selected")
            self.refresh_node()

    def begin_sweep(self) -> None:
        """Hold the old count until the sweep reaches this message."""
        self._sweeping, self._held = False, True
        self._sent_shown = max(self.node.sent - 1, 0)
        self.query_one(_Head).show(self._left(), self._right())

    def sweep(self, here: bool) -> None:
        """The sweep is at this message, or has passed it: its count is the new one."""
        self._sweeping, self._held = here, False
        self._sent_shown = self.node.sent
        # It changes this widget's own look alone: what is inside need not be styled anew.
        self.set_class(here, "-sweeping", update=False)
        self.app.stylesheet.update_nodes([self], animate=True)
        self.refresh_node()

    def show_mark(self, mark: str) -> None:
        """What somebody thinks of this reply; empty: nothing was said of it."""
        if mark != self.mark:
            self.mark = mark
            self.refresh_node()

    def set_outside(self, outside: bool) -> None:
        """Whether the message lies before the model's view and is no longer sent."""
        if outside != self.outside:
            self.outside = outside
            self.set_class(outside, "-outside")
            self.refresh_node()

    async def write(self, text: str) -> None:
        """Add to the reply as it comes."""
        if self._markdown is None or not self.is_mounted:
            return
        if len(self.node.content) > _MARKDOWN:
            return
        try:
            await self._markdown.grow(words.visible(text))
        except Exception:  # as below: until the reply ends, what there is stands as plain text
            await self._show_plain()

    async def finish(self) -> None:
        """Show the whole reply once more, laid out in one piece."""
        try:
            if self._markdown is not None and self.is_mounted:
                if len(self.node.content) > _MARKDOWN or tool_words.was_answered(self.node):
                    raise ValueError("too long, or a call, which is shown as it was written")
                await self._markdown.settle(words.visible(self.node.content))
            elif self._plainly is not None and self._plainly.is_mounted:
                self._plainly.update(self._plain())
        except Exception:  # a parser fed with anything at all; the text itself is never lost
            await self._show_plain()
        self.refresh_node()

    async def _show_plain(self) -> None:
        if self._markdown is not None and self.is_mounted:
            markdown, self._markdown = self._markdown, None
            self._plainly = Static(self._plain(), classes="body", markup=False)
            await self.mount(self._plainly, after=markdown)
            await markdown.remove()

    def on_click(self, event: events.Click) -> None:
        self.post_message(self.Chosen(self.node))
        if (index := self._token_under(event)) is not None:
            self.post_message(self.TokenChosen(self.node, index))

    def _token_under(self, event: events.Click) -> int | None:
        """The token that wrote the word under the mouse."""
        if self.node.role != "assistant" or self.node.facts is None or event.chain > 1:
            return None
        if "offset" not in event.style.meta or self.screen.get_selected_text():
            return None
        where = self.screen.get_widget_and_offset_at(event.screen_x, event.screen_y)
        place = self._shown_place(*where)
        return token_of(*place, self.node.facts.tokens.texts) if place is not None else None

    def _shown_place(self, clicked: Widget | None, offset: Offset | None) -> tuple[str, int] | None:
        """The reply as it is shown, and which of its characters was clicked."""
        body = self._markdown or next(iter(self.query(".body")), None)
        if body is None or clicked is None or offset is None:
            return None
        shown, at = "", None
        for widget in body.walk_children(Widget, with_self=True):
            found = widget.get_selection(SELECT_ALL)
            if found is None:
                continue
            if widget is clicked:
                lines = found[0].split("\n")
                line = min(offset.y, len(lines) - 1)
                at = len(shown) + sum(len(text) + 1 for text in lines[:line])
                at += min(offset.x, len(lines[line]))
            shown += f"{found[0]}\n"
        return None if at is None else (shown, at)
