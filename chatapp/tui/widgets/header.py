"""The first line: what runs, what is kept, which session this is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.content import Content
from textual.style import Style
from textual.widget import Widget

from chatapp.tui.words import one_line

__all__ = ["Header", "HeaderFacts"]


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What the header tells. ``weights`` is empty until something is known of them.

    ``added`` is the adapter behind the model, if one is. ``cache`` is empty while the arithmetic
    cache is on, and ``tools`` while they are off.
    """

    model: str = ""
    added: str = ""
    state: str = ""
    wrong: bool = False
    weights: str = ""
    log: str = "log: off"
    warning: str = ""
    cache: str = ""
    tools: str = ""
    session: int = 1
    sessions: int = 1


_ROOMIEST: Final = 6


def _button(text: str, action: str) -> Content:
    return Content(text).stylize(Style.from_meta({"@click": f"screen.{action}"}))


class Header(Widget):
    """One line. Where the screen is narrow, it leaves out what can be seen elsewhere."""

    ALLOW_SELECT = False

    facts = HeaderFacts()

    def show(self, facts: HeaderFacts) -> None:
        """Tell these facts."""
        if facts != self.facts:
            self.facts = facts
            self.refresh()

    def render(self) -> Content:
        width = self.size.width
        for roomy in range(_ROOMIEST, -1, -1):
            left, right = self._left(roomy), self._right(roomy)
            gap = width - left.cell_length - right.cell_length
            if gap >= 1:
                return left + Content(" " * gap) + right
        return left.truncate(max(width - right.cell_length, 0), pad=True) + right

    def _left(self, roomy: int) -> Content:
        """What goes first where there is less room: what is as usual. The weights' hash stays as
        long as it can, as it is what everybody should see not to change."""
        facts = self.facts
        model = one_line(facts.model)
        if roomy < 4 and len(model) > 16:
            model = model[:15] + "…"
        parts = []
        if roomy >= 5:
            parts.append(Content.styled("chatapp", "bold $text-primary"))
        if roomy >= 1:
            # Never cut off: with an adapter other weights answer.
            parts.append(Content.styled(f"{model} {one_line(facts.added)}".rstrip(), "bold"))
        state = one_line(facts.state)
        if roomy >= 5 or state != "ready" or not facts.weights:
            parts.append(Content.styled(state, "$text-error bold" if facts.wrong else ""))
        if facts.weights and roomy >= 3:
            # The hash matters most; what follows the dot is shown where there is room.
            weights = one_line(facts.weights)
            parts.append(Content(weights if roomy == _ROOMIEST else weights.split(" · ")[0]))
        log = _button(facts.log, "log")
        if facts.warning:
            log += Content.styled(f" {facts.warning}", "$text-error bold")
        elif roomy == _ROOMIEST and facts.log == "log: off":
            log += Content(" (nothing is kept)")
        # Where there is room for one thing only, it is this.
        parts.insert(len(parts) if roomy else 0, log)
        if facts.tools:
            parts.append(_button(facts.tools, "tools").stylize("bold"))
        if facts.cache:
            parts.append(Content.styled(facts.cache, "bold"))
        return Content(" ") + Content("   " if roomy >= 4 else "  ").join(parts)

    def _right(self, roomy: int) -> Content:
        facts = self.facts
        name = f"session {facts.session} of {facts.sessions}"
        if roomy < 4:
            name = f"{facts.session}/{facts.sessions}"
        parts = [_button(name, "sessions")]
        if facts.sessions > 1 and roomy >= 4:
            parts = [_button("‹", "previous_session"), *parts, _button("›", "next_session")]
        new = _button(" + new " if roomy >= 4 else " + ", "new_session").stylize("reverse")
        return Content(" ").join([*parts, new]) + Content(" ")
