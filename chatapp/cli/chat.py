"""``chatapp chat``: the screen."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from chatapp.cli.options import add_command, add_model_options, open_home, settings_from
from chatapp.cli.showing import add_showing_options, audience_of, showing_from
from chatapp.cli.store import withdrawn
from chatapp.cli.terminal import need_terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatapp.home.paths import Home
    from chatapp.home.settings import AppSettings
    from chatapp.lessons.library import Lessons
    from chatapp.lessons.play import Play
    from chatapp.tui.dialogs.model_rows import ModelRow
    from chatapp.tui.given import Chosen, Given, Model, Values

__all__ = ["Wiring", "leave_no_core", "register"]


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        subparsers,
        "chat",
        help="start the screen (the same as chatapp alone)",
        description="Start the screen. The first start fetches the default model.",
        epilog="examples:\n"
        "  chatapp chat\n"
        "  chatapp chat -m ~/Downloads/some-model.gguf --temperature 0.7\n"
        "  chatapp chat --tools                   a calculator and a clock, as text\n"
        "  chatapp chat --server http://127.0.0.1:8080/v1\n",
    )
    add_model_options(parser)
    add_showing_options(parser)
    parser.set_defaults(run=_command)


def _command(args: argparse.Namespace) -> int:
    home, settings = open_home(args)
    settings = showing_from(args, settings_from(args, settings))
    need_terminal('Without one: chatapp ask "What is a token?"')
    model = args.model or ""
    if settings.server is None:
        from chatapp.cli.first_run import ensure_model

        model = str(ensure_model(home, settings, args.model))

    from chatapp.tui.app import run

    leave_no_core()
    given = Wiring(home, settings).given(model)
    return run(replace(given, audience=audience_of(args)))


def leave_no_core() -> None:
    """A program that crashes can leave a file with all its memory, and what was said is in it.

    The engine's process inherits this.
    """
    try:
        import resource
    except ImportError:  # not on Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


class Wiring:
    """What the screen asks for, made from a home and its settings."""

    def __init__(self, home: Home, settings: AppSettings) -> None:
        self.home = home
        self.settings = settings

    def given(self, model: str) -> Given:
        from chatapp.cli.lesson import language_of
        from chatapp.tui.given import Given

        local = self.settings.server is None
        return Given(
            open_model=self.open_model,
            model=model,
            values=self.values,
            label=Path(model).stem if local else self.settings.server or "",
            models=self.models if local else None,
            base=self.base if local else None,
            lessons=self.lessons if local else None,
            language=language_of(self.settings.language, os.environ),
            handout=self.handout,
            keep_values=self.keep_values,
            keep_model=self.keep_model,
            keep_theme=self.keep_theme,
            keep_presenter=self.keep_presenter,
            theme=self.settings.theme,
            presenter=self.settings.presenter,
            transcripts=self.home.transcripts,
            notes=self.home.notes_file,
            cache=self.home.cache,
        )

    async def open_model(self, name: str, window: int | None) -> Model:
        """An engine for a model's name or path; called after the first frame."""
        import asyncio

        from chatapp.tui.given import Model

        def open_it() -> Model:
            from chatapp.cli.opening import open_engine

            # Each request says whether the cache may be used, so that it can be switched any time.
            settings = replace(self.settings, window=window, reuse=True)
            opened = open_engine(self.home, settings, requested=name or None)
            return Model(opened.engine, opened.counter, opened.label, opened.mark, opened.hash_of)

        return await asyncio.to_thread(open_it)

    def values(self) -> Values:
        from chatapp.cli.opening import sampling_of
        from chatapp.tui.given import Values

        settings = self.settings
        return Values(
            settings.system,
            sampling_of(settings),
            settings.policy,
            settings.window,
            settings.reuse,
            settings.tools,
        )

    def models(self) -> Sequence[ModelRow]:
        from chatapp.engine.weights.library import Library
        from chatapp.tui.dialogs.model_rows import rows_from

        library = Library(self.home.models, self.home.cache)
        return rows_from(library, library.catalogue, partial(withdrawn, self.home))

    def base(self, weights: Path) -> Path | None:
        from chatapp.engine.weights.library import Library

        return Library(self.home.models, self.home.cache).base_model(weights)

    def lessons(self) -> Lessons:
        from chatapp.lessons.library import Lessons

        return Lessons(self.home.lessons)

    @staticmethod
    def handout(path: Path, play: Play) -> None:
        from datetime import datetime

        from chatapp.lessons.handout import write_handout

        made = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
        write_handout(path, [play], made=made)

    # ── choices that outlive this run ───────────────────────────────────────────────────────────

    def keep_values(self, values: Values) -> None:
        from chatapp.cli.opening import sampling_settings

        self._keep(
            system=values.system,
            policy=values.policy,
            window=values.window,
            reuse=values.reuse,
            sampling=sampling_settings(values.sampling),
        )

    def keep_model(self, chosen: Chosen) -> None:
        path, adapter = Path(chosen.model), chosen.adapter
        if adapter is not None and self.home.models / "adapters" in Path(adapter).parents:
            from chatapp.engine.weights.adapters import name_of

            adapter = name_of(Path(adapter))
        self._keep(
            model=path.name if path.parent == self.home.models else chosen.model,
            adapter=adapter,
            adapter_scale=chosen.scale,
        )

    def keep_theme(self, theme: str) -> None:
        self._keep(theme=theme)

    def keep_presenter(self, on: bool) -> None:
        self._keep(presenter=on)

    def _keep(self, **changes: object) -> None:
        """Lay the changes over the settings as the file holds them now, and save."""
        from chatapp.home.settings import load_settings, save_settings

        self.settings = replace(self.settings, **changes)  # type: ignore[arg-type]
        stored = load_settings(self.home.settings_file)
        save_settings(
            self.home.settings_file,
            replace(stored, **changes),  # type: ignore[arg-type]
        )
