"""The model and the settings: opened after the first frame, changed on demand."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from chatapp.tui import words
from chatapp.tui.given import Chosen, Model, Values
from chatapp.tui.screens.session_actions import SessionActions
from chatapp.tui.weights import WeightsWatch

if TYPE_CHECKING:
    from chatapp.engine.client import LocalEngine

__all__ = ["SetupActions"]


class SetupActions(SessionActions):
    """Opening a model never blocks the screen: one can write while weights load."""

    def begin(self) -> None:
        """Open the first model. Called when the first frame is on the screen."""
        self._open(self.given.model, None)

    def _open(self, name: str, values: Values | None) -> None:
        self.run_worker(
            self._opening(name, values),
            name="open",
            group="open",
            exclusive=True,
            exit_on_error=False,
        )

    async def _opening(self, name: str, values: Values | None) -> None:
        """Put another model (or window) in place of the one at hand, and load it."""
        # On a thread: these bring the template engine and more.
        for name_ in ("chatapp.conversation", "chatapp.keeping.keeper"):
            await asyncio.to_thread(importlib.import_module, name_)
        from chatapp.errors import ChatappError

        try:
            values = values or self.values or self.given.values()
            model = await self.given.open_model(name, values.window)
        except ChatappError as error:
            self.failed = self.model is None
            self.session.pane.notice(f"✗ {words.one_line(str(error))} F3 chooses a model.")
            self.opened.set()
            self.refresh_all()
            return
        if self.values is None:
            self.reuse = values.reuse
        old, self.model = self.model, model
        self.model_name, self.values, self.failed, self.loaded = name, values, False, None
        for session in self.sessions:
            self.attach(session)
        self.opened.set()
        self.weights = WeightsWatch(model.mark, model.hash_of)
        if hasattr(model.engine, "on_loading"):
            model.engine.on_loading = self._loading
        if hasattr(model.engine, "on_checked"):
            model.engine.on_checked = lambda _: self.look_at_weights()
        self.refresh_all()
        if old is not None:
            await old.engine.close()
        await self._load(model)

    async def _load(self, model: Model) -> None:
        from chatapp.errors import ChatappError

        self.count.changed()
        try:
            ready = await model.engine.start()
        except ChatappError as error:
            self.session.pane.notice(f"✗ {words.one_line(str(error))} F3 chooses another model.")
        else:
            if about := words.about_model(ready):
                self.session.pane.notice(about)
        self.refresh_all()
        self.look_at_weights()
        # The first reply should not wait for its Markdown parser.
        await asyncio.to_thread(importlib.import_module, "chatapp.tui.widgets.markdown")

    def _loading(self, done: float) -> None:
        self.loaded = done
        self.refresh_header()

    def _idle(self) -> bool:
        """Whether no session is being answered; if not, say what to do."""
        if any(session.busy for session in self.sessions):
            self.say("The model is answering. Stop it first (Esc).")
            return False
        return True

    # ── dialogs ─────────────────────────────────────────────────────────────────────────────────

    def _dialog(self, work: Any) -> None:
        self.run_worker(work, name="dialog", group="dialog", exclusive=True, exit_on_error=False)

    def action_models(self) -> None:
        """Choose another model."""
        if self.given.models is None:
            self.say("This chat uses a server; its model is chosen there (or with --model).")
        elif self._idle():
            self._dialog(self._choose_model())

    async def _choose_model(self) -> None:
        from chatapp.errors import ChatappError
        from chatapp.tui.dialogs.models import ModelsDialog

        assert self.given.models is not None
        try:
            rows = await asyncio.to_thread(self.given.models)
        except ChatappError as error:
            self.say(words.one_line(str(error)), wrong=True)
            return
        before = self._in_use()
        chosen = await self.app.push_screen_wait(ModelsDialog(rows, before))
        if chosen is None or chosen == before or not self._idle():
            return
        if chosen.model == self.model_name and self.model is not None:
            await self._swap(chosen)
        else:
            self.kept(self.given.keep_model, chosen)
            self._open(chosen.model, None)

    def _in_use(self) -> Chosen:
        """The weights that answer now; an empty name where none could be opened."""
        if self.model is None:
            return Chosen("")
        options = getattr(self.model.engine, "options", None)
        if options is None or options.adapter is None:
            return Chosen(self.model_name)
        return Chosen(self.model_name, str(options.adapter), options.adapter_scale)

    async def _swap(self, chosen: Chosen) -> None:
        """Another adapter, or none, on the same base: nothing is loaded anew."""
        from chatapp.errors import ChatappError

        assert self.model is not None
        engine = cast("LocalEngine", self.model.engine)
        adapter = None if chosen.adapter is None else Path(chosen.adapter)
        async with self.turns.alone("other weights are being put in place", lambda: None):
            try:
                await engine.use_adapter(adapter, chosen.scale)
            except ChatappError as error:
                self.say(words.one_line(str(error)), wrong=True)
                return
            finally:
                self.refresh_all()
        for session in self.sessions:
            self.attach(session)  # turns until now were taken with other weights
        self.kept(self.given.keep_model, chosen)
        self.refresh_all()
        self.look_at_weights()

    def action_settings(self) -> None:
        """Change the settings of this conversation and of those to come."""
        if self.values is None:
            self.say("The settings can be changed when a model is at hand.")
        elif self._idle():
            self._dialog(self._change_settings(self.values))

    async def _change_settings(self, values: Values) -> None:
        from chatapp.tui.dialogs.settings import SettingsDialog, SettingsResult

        conversation = self.conversation
        if conversation is not None:
            values = Values(
                conversation.system,
                conversation.sampling,
                conversation.policy,
                values.window,
                tools=values.tools,
            )
        given = SettingsResult(
            values.system, values.sampling, values.policy, values.window, self.reuse
        )
        server = self.model is not None and self.model.engine.kind == "server"
        dialog = SettingsDialog(given, self._trained, cache=not server)
        result = await self.app.push_screen_wait(dialog)
        if result is None or result == given or not self._idle():
            return
        chosen = Values(
            result.system,
            result.sampling,
            result.policy,
            result.window,
            result.reuse,
            values.tools,
        )
        if conversation is not None:
            conversation.system = chosen.system
            conversation.sampling = chosen.sampling
            conversation.policy = chosen.policy
        self.use_cache(chosen.reuse)
        before, self.values = values, chosen
        self.kept(self.given.keep_values, chosen)
        if chosen.window != before.window:
            self._open(self.model_name, chosen)
        self.refresh_all()

    @property
    def _trained(self) -> int | None:
        info = self.model.engine.info if self.model else None
        return info.trained if info else None

    def action_help(self, topic: str = "") -> None:
        """Keys and words."""
        from chatapp.tui.dialogs.help import HelpScreen

        self.app.push_screen(HelpScreen(topic or None))

    def kept(self, keep: Any, value: object) -> None:
        """Hand a choice to whoever keeps it for the next run."""
        from chatapp.errors import ChatappError

        if keep is None:
            return
        try:
            keep(value)
        except ChatappError as error:
            self.say(f"Used now, but not kept: {words.one_line(str(error))}", wrong=True)
