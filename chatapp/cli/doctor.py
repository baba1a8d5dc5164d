"""``chatapp doctor``: is everything here in order?"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from chatapp.cli.options import add_command, add_engine_options, home_of, settings_from

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from chatapp.cli.findings import Finding
    from chatapp.engine.weights.library import Library
    from chatapp.home.paths import Home
    from chatapp.home.settings import AppSettings

__all__ = ["register"]


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        subparsers,
        "doctor",
        help="is everything here in order?",
        description="Look at the versions, this machine, the folders and the chosen model, and "
        "test whether the same prompt gives the same bits here. Nothing is changed.",
        epilog="exit status: 0 everything is fine, 1 something is wrong, 2 wrong usage\n\n"
        "examples:\n"
        "  chatapp doctor\n"
        "  chatapp doctor -m gemma-3-270m --kv-type q8_0\n"
        "  chatapp doctor --json > report.json\n",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    add_engine_options(parser)
    parser.set_defaults(run=_command)


def _command(args: argparse.Namespace) -> int:
    from chatapp.cli.findings import print_findings, print_json

    show = print_json if args.json else print_findings
    return 0 if show(_findings(args)) else 1


def _findings(args: argparse.Namespace) -> Iterator[Finding]:
    """Everything, in the order of printing; what cannot be found out is a finding too."""
    from chatapp.cli.doctor_machine import home_findings, machine_findings, version_findings
    from chatapp.engine.about import ask
    from chatapp.errors import ChatappError

    home = home_of(args)
    settings, problem = _settings(args, home)
    yield from version_findings()
    about, silence = None, ""
    try:
        about = ask()
    except ChatappError as error:
        silence = str(error)
    yield from machine_findings(about, silence, settings)
    yield from home_findings(home, problem)
    yield from _model(args, home, settings)


def _settings(args: argparse.Namespace, home: Home) -> tuple[AppSettings, str | None]:
    """The settings; if the file is wrong, the defaults, and what is wrong with it."""
    from chatapp.errors import HomeError
    from chatapp.home.settings import AppSettings, load_settings

    problem, settings = None, AppSettings()
    try:
        home.ensure()
        settings = load_settings(home.settings_file)
    except HomeError as error:
        problem = str(error)
    return settings_from(args, settings), problem


def _model(args: argparse.Namespace, home: Home, settings: AppSettings) -> Iterator[Finding]:
    from chatapp.cli.doctor_model import file_findings, running_findings, server_finding
    from chatapp.cli.findings import Finding
    from chatapp.engine.weights.library import Library
    from chatapp.errors import ChatappError

    if settings.server:
        import asyncio

        yield asyncio.run(server_finding(settings))
        return
    try:
        library = Library(home.models, home.cache)
        path = _chosen(library, settings)
    except ChatappError as error:
        yield Finding("Model", "model", "none to use", str(error), "wrong")
        return
    if path is None:
        name = library.catalogue.default.name
        meaning = f"None is here yet. Fetch the default one: chatapp models pull {name}"
        yield Finding("Model", "model", "none", meaning, "wrong")
        return
    yield from file_findings(library, path)
    yield from _waited_for(running_findings(home, settings, path))


def _chosen(library: Library, settings: AppSettings) -> Path | None:
    """The weight file that would be used; None if there is none at all and none is named."""
    if settings.model is None and not library.installed():
        return None
    return library.resolve(settings.model)


def _waited_for(findings: AsyncIterator[Finding]) -> Iterator[Finding]:
    """Findings of a coroutine, each as it comes."""
    import asyncio

    async def next_one() -> Finding | None:
        return await anext(findings, None)

    with asyncio.Runner() as runner:
        while (finding := runner.run(next_one())) is not None:
            yield finding
