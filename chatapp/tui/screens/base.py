"""What the main screen consists of, and how it is brought up to date."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.messages import Update
from textual.screen import Screen
from textual.widgets import Static

from chatapp.tui import log_words, tool_words, words
from chatapp.tui.garbage import GarbageTimes
from chatapp.tui.given import Given, Model, Values
from chatapp.tui.live import LiveCount, Preview
from chatapp.tui.painting import Painter
from chatapp.tui.request import Request
from chatapp.tui.screens.keys import LAST, keys_for, presented
from chatapp.tui.session import Session
from chatapp.tui.taking import TurnTaker
from chatapp.tui.weights import WeightsWatch
from chatapp.tui.widgets.chips import Chips
from chatapp.tui.widgets.composer import Composer
from chatapp.tui.widgets.context_view import ContextView
from chatapp.tui.widgets.conversation import ConversationPane
from chatapp.tui.widgets.header import Header, HeaderFacts
from chatapp.tui.widgets.keybar import Key, KeyBar
from chatapp.tui.widgets.meter import Meter

if TYPE_CHECKING:
    from chatapp.conversation import Conversation, Node, TurnFacts
    from chatapp.keeping.archive import Archive
    from chatapp.keeping.turns import Answered

__all__ = ["ChatBase"]

_WRITE = "Enter sends · ^J new line"


class ChatBase(Screen[None]):
    """The parts of the screen and what is shown on them. What can be done is added on top."""

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 (as Textual declares it)
        (0, "-tiny"),
        (60, "-narrow"),
        (100, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-high")]  # noqa: RUF012
    AUTO_FOCUS = "Composer"
    TITLE = "chatapp"

    def __init__(self, given: Given) -> None:
        super().__init__()
        self._compositor = Painter()
        self.given = given
        self.model: Model | None = None
        self.model_name = given.model
        self.values: Values | None = None
        self.opened = asyncio.Event()
        """Set when the first model is at hand, or could not be opened."""
        self.loaded: float | None = None
        self.failed = False
        self.reuse = True
        """Whether the arithmetic cache may be used."""
        self.weights = WeightsWatch(None)
        self.sessions = [Session(1, ConversationPane(1))]
        self.current = 0
        self.turns = TurnTaker(self)
        self.count = LiveCount(self._to_count, self._counted)
        self._archive: Archive | None = None
        self._preview: Preview | None = None
        self._of_turn: tuple[TurnFacts, Request] | None = None

    def compose(self) -> ComposeResult:
        yield Header()
        with Horizontal(id="main"):
            with Container(id="sessions"):
                yield self.session.pane
            yield ContextView()
        yield Meter()
        yield Static(id="retrieve", markup=False)
        yield Chips()
        yield Composer(id="composer")
        yield KeyBar()

    async def _on_update(self, message: Update) -> None:
        """A key's echo waits for no frame, nor for the layout that a growing reply asks for."""
        written = message.widget
        if not isinstance(written, Composer) or not written.roomy:
            return
        if self.is_current and not self.app._batch_count:
            assert isinstance(self._compositor, Painter)
            self.app._display(self, self._compositor.update_of(written))

    # ── what there is ───────────────────────────────────────────────────────────────────────────

    @property
    def session(self) -> Session:
        """The session in sight."""
        return self.sessions[self.current]

    @property
    def conversation(self) -> Conversation | None:
        """Its conversation; ``None`` until a model is at hand."""
        return self.session.conversation

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    @property
    def context_view(self) -> ContextView:
        return self.query_one(ContextView)

    @property
    def archive(self) -> Archive:
        """The store of this run. Nothing is made or read before somebody keeps something."""
        if self._archive is None:
            from chatapp.keeping.archive import Archive

            self._archive = Archive(self.given.transcripts)
        return self._archive

    def answers(self) -> Answered:
        """What answers now: which weights, and with which window."""
        from chatapp.archive.records import Weights
        from chatapp.keeping.turns import Answered

        if self.model is None:
            return Answered()
        info = self.model.engine.info
        weights = Weights(model=self.model.label, sha256=self.weights.first)
        return Answered(weights, info.window if info else None)

    @property
    def presenting(self) -> bool:
        """Whether the screen is shown to a room: few panels, much air."""
        return self.has_class("-presenter")

    @property
    def served(self) -> bool:
        """Whether a server answers, whose weights nobody here can see."""
        return self.model is not None and self.model.engine.kind == "server"

    def say(self, text: str, *, wrong: bool = False) -> None:
        """A short notice. It is never read as markup."""
        self.notify(text, severity="error" if wrong else "information", markup=False)

    def use_cache(self, on: bool) -> None:
        """Whether the arithmetic cache may be used, in all sessions."""
        self.reuse = on
        for session in self.sessions:
            if session.conversation is not None:
                session.conversation.reuse = on

    # ── drafts ──────────────────────────────────────────────────────────────────────────────────

    def keep_draft(self, session: Session) -> None:
        """Take what is written now into the session that is in sight."""
        if session is self.session:
            session.draft = self.composer.draft

    def show_draft(self, session: Session) -> None:
        """Put a session's draft into the input, if the session is in sight."""
        if session is not self.session:
            return
        composer = self.composer
        composer.draft = session.draft
        editing = session.editing
        composer.set_class(editing is not None, "-editing")
        if editing is None:
            composer.border_title = Content("your message")
            composer.border_subtitle = Content(_WRITE)
        else:
            composer.border_title = Content("editing: the old message and its answers are kept")
            composer.border_subtitle = Content("Enter sends it as a new branch · Esc leaves")

    # ── bringing up to date ─────────────────────────────────────────────────────────────────────

    def refresh_all(self) -> None:
        """Show all numbers as they are now."""
        if not self.is_mounted:
            return
        self.refresh_header()
        self.refresh_keys()
        self.refresh_cursor()
        conversation = self.conversation
        frame = self.query_one("#sessions")
        width = frame.size.width - 6
        turns = conversation.turns if conversation else []
        total = conversation.total_sent if conversation else 0
        frame.border_title = Content("conversation")
        frame.border_subtitle = Content(words.total_sent(turns, total, width))
        self.count.changed()
        self._show_request()

    @property
    def cursor_blinks(self) -> bool:
        """Whether it may: each time it is painted, and a reply needs the processor."""
        return not any(session.busy for session in self.sessions)

    def refresh_cursor(self) -> None:
        """Let the cursor blink, or stand still."""
        for composer in self.query(Composer):  # none, if the screen is being taken down
            composer.cursor_blink = self.cursor_blinks

    async def know_weights(self, session: Session) -> None:
        """A turn that is kept says which weights answered: see that their hash is known."""
        keeping = session.keeper is not None and session.keeper.keeping
        if keeping and self.weights.first is None and self.model is not None:
            await self.weights.look(self.model.engine)

    def rest(self) -> None:
        """Nothing is being answered here: time for what would hold up a reply."""
        if isinstance(garbage := getattr(self.app, "garbage", None), GarbageTimes):
            garbage.pause()

    def look_at_weights(self) -> None:
        """Look at the weight file again and show its mark."""
        self.run_worker(
            self._look_at_weights(), group="weights", exclusive=True, exit_on_error=False
        )

    async def _look_at_weights(self) -> None:
        if self.model is not None:
            await self.weights.look(self.model.engine)
            self.refresh_header()

    def refresh_header(self) -> None:
        """Show the state of things in the first line."""
        state, wrong = self._state()
        log, warning = log_words.state(self.session.keeper)
        label = self.model.label if self.model else self.given.label or self.model_name
        self.query_one(Header).show(
            HeaderFacts(
                model=label,
                added=self.model.engine.info.added if self.model and self.model.engine.info else "",
                state=state,
                wrong=wrong,
                weights=self.weights.text,
                log=log,
                warning=warning,
                cache=self.cache_state,
                tools=tool_words.STATE if self.conversation and self.conversation.tools else "",
                session=self.current + 1,
                sessions=len(self.sessions),
            )
        )

    @property
    def cache_state(self) -> str:
        """Empty while the arithmetic cache is used as usual."""
        info = self.model.engine.info if self.model else None
        off = not self.reuse or (info is not None and info.reuse is False)
        return "cache: off" if off else ""

    def _state(self) -> tuple[str, bool]:
        if self.model is None:
            return ("no model", True) if self.failed else ("starting…", False)
        engine = self.model.engine
        if engine.state == "ready":
            return ("server", False) if engine.kind == "server" else ("ready", False)
        if engine.state == "loading":
            done = f" {self.loaded:.0%}" if self.loaded is not None else ""
            return f"loading the model…{done}", False
        if engine.state == "failed":
            return "not loaded", True
        return ("starts with the next message", False) if engine.starts else ("starting…", False)

    def refresh_keys(self) -> None:
        """Show the keys that matter now."""
        session = self.session
        keys = keys_for(
            written=self.composer.written,
            busy=session.busy,
            editing=session.editing is not None,
            selected=session.pane.selected,
            said=bool(self.conversation and self.conversation.turns),
            sessions=len(self.sessions),
            kept=any(session.kept for session in self.sessions) and not self.served,
            lesson=self.has_class("-lesson"),
            trouble=bool(session.keeper and session.keeper.trouble),
        )
        offered = self.offered(keys)
        self.query_one(KeyBar).show(presented(offered) if self.presenting else offered, LAST)

    def offered(self, keys: tuple[Key, ...]) -> tuple[Key, ...]:
        """Of these keys, those that can be used here."""
        return keys

    # ── counting and the request ────────────────────────────────────────────────────────────────

    def _to_count(self) -> tuple[Conversation, str, Node | None] | None:
        if self.conversation is None:
            return None
        return self.conversation, self.composer.draft.full, self.session.editing

    def forget_preview(self) -> None:
        """What was counted belongs to another session."""
        self._preview = None
        self.context_view.show(None)

    def _counted(self, result: Preview | None) -> None:
        # A count may end while the screen is being taken down.
        if not self.is_mounted or (meter := self.query_one_optional(Meter)) is None:
            return
        if result is None:
            meter.show(None, "counting…" if self.model else "no model is at hand yet")
            return
        self._preview = result
        meter.show(result.budget, result.note)
        self.query_one(Chips).show(self.composer.attached, result.parts)
        if self.model is not None:
            meter.tooltip = Content(words.counted_by(self.model.counter))
        self._show_request()

    def _show_request(self) -> None:
        """Show the last request, or the next one while it is being written."""
        session = self.session
        writing = self.composer.written and not session.busy
        if session.arrived is not None and not writing:
            self.context_view.show(self._request_of(session.arrived))
        elif self._preview is not None and self.count.fresh and not session.busy:
            self.context_view.show(self._preview.request)

    def _request_of(self, facts: TurnFacts) -> Request:
        if self._of_turn is None or self._of_turn[0] is not facts:
            pipe = self.model is None or self.model.engine.kind == "local"
            shown = Request(facts.request, facts.new, facts.prompt, facts.number, pipe)
            self._of_turn = (facts, shown)
        return self._of_turn[1]
