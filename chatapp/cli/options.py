"""Options that several subcommands share, and what they do to the settings."""

from __future__ import annotations

import argparse
import dataclasses
import os
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chatapp.errors import HomeError
from chatapp.home.paths import Home, find_home
from chatapp.home.rules import Switch
from chatapp.home.settings import AppSettings, SamplingSettings, Settings, load_settings, rule_of

__all__ = [
    "add_command",
    "add_engine_options",
    "add_home_option",
    "add_model_options",
    "home_of",
    "open_home",
    "settings_from",
    "typed",
]

_HELP: dict[str, tuple[str, str]] = {
    "model": ("MODEL", "a catalogue name, a file in models/, or the path of a GGUF file"),
    "adapter": ("NAME", "a LoRA that fits: its name in models/adapters/, a path, or none"),
    "adapter_scale": ("S", "how strongly it is added (1: as trained, 0: not at all)"),
    "server": ("URL", "an OpenAI-compatible server instead of a local file"),
    "window": ("TOKENS", "size of the context window"),
    "threads": ("N", "processor threads for the model"),
    "kv_type": ("TYPE", "numbers in the KV cache: f16, f32 (finer) or q8_0 (half the memory)"),
    "gpu_layers": ("N", "layers computed on a graphics processor (-1: all)"),
    "reuse": ("", "compute each prompt block once (default), or everything again every turn"),
    "tools": ("", "tell the model of a calculator and a clock, if its template has a place for it"),
    "system": ("TEXT", "system prompt, sent at the start of every turn"),
    "policy": ("WORD", "when the transcript no longer fits: stop, drop-oldest or summary"),
    "temperature": ("T", "0 always takes the likeliest token; higher varies more"),
    "top_k": ("N", "keep only the N likeliest tokens (0: all)"),
    "top_p": ("P", "keep the likeliest tokens that together reach probability P"),
    "min_p": ("P", "drop tokens less likely than P times the likeliest"),
    "repeat_penalty": ("R", "above 1: make tokens that were just used less likely"),
    "seed": ("N", "same seed, same picks"),
    "max_tokens": ("N", "longest reply, in tokens"),
}
_SHORT = {"model": "-m"}
_ENGINE = (
    "model",
    "adapter",
    "adapter_scale",
    "window",
    "threads",
    "kv_type",
    "gpu_layers",
    "reuse",
)


def add_command(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    *,
    help: str,
    description: str,
    epilog: str | None = None,
) -> argparse.ArgumentParser:
    """A subcommand with ``--home``, whose description is wrapped and whose epilog is not."""
    parser = subparsers.add_parser(
        name,
        help=help,
        description=textwrap.fill(description, 78),
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_home_option(parser)
    return parser


def add_home_option(parser: argparse.ArgumentParser) -> None:
    """``--home``, which is understood before and after the subcommand."""
    parser.add_argument(
        "--home",
        metavar="FOLDER",
        default=argparse.SUPPRESS,
        help="folder that holds models/ and transcripts/ (see: chatapp paths)",
    )


def add_model_options(
    parser: argparse.ArgumentParser, *, without: frozenset[str] = frozenset()
) -> None:
    """The options of ``chat`` and ``ask``: which model, and how it picks tokens.

    ``without``: names of those that have no meaning here.
    """
    for kind, title in ((AppSettings, "model"), (SamplingSettings, "picking tokens")):
        group = parser.add_argument_group(title)
        names = [field.name for field in dataclasses.fields(kind) if field.name in _HELP]
        for name in (name for name in names if name not in without):
            _add(group, kind, name)


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """The options of commands that look at a local model: which one, and how it is run."""
    group = parser.add_argument_group("model")
    for name in _ENGINE:
        _add(group, AppSettings, name)


def _add(
    group: argparse._ArgumentGroup, kind: type[AppSettings] | type[SamplingSettings], name: str
) -> None:
    metavar, text = _HELP[name]
    flags = [_SHORT[name]] if name in _SHORT else []
    flags.append("--" + name.replace("_", "-"))
    if isinstance(rule_of(kind, name), Switch):
        group.add_argument(*flags, action=argparse.BooleanOptionalAction, help=text)
    else:
        group.add_argument(*flags, metavar=metavar, help=text, type=typed(kind, name))


def typed(kind: type[Settings], name: str) -> Callable[[str], object]:
    """What argparse reads this setting with."""
    rule = rule_of(kind, name)

    def parse(text: str) -> object:
        try:
            return rule.parse(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be {rule.allowed}") from None

    return parse


def settings_from(args: argparse.Namespace, settings: AppSettings) -> AppSettings:
    """The settings with what was given on this command line laid over them.

    ``--model`` without ``--server`` means the local model, whatever server is set, and without
    ``--adapter`` that model alone: an adapter that is set belongs to the model that is set.
    """
    given: dict[str, Any] = {
        name: value for name, value in vars(args).items() if name in _HELP and value is not None
    }
    names = {field.name for field in dataclasses.fields(SamplingSettings)}
    sampling = {name: value for name, value in given.items() if name in names}
    top = {name: value for name, value in given.items() if name not in names}
    if "model" in top and "server" not in top:
        top["server"] = None
    if "model" in top:
        top.setdefault("adapter", None)
    if top.get("adapter") == "none":
        top["adapter"] = None
    return dataclasses.replace(
        settings, **top, sampling=dataclasses.replace(settings.sampling, **sampling)
    )


def home_of(args: argparse.Namespace) -> Home:
    """The home that is meant. Raises :class:`HomeError`."""
    try:
        cwd = Path.cwd()
    except FileNotFoundError:
        raise HomeError("The current folder no longer exists; go to another one first.") from None
    return find_home(getattr(args, "home", None), os.environ, cwd)


def open_home(args: argparse.Namespace) -> tuple[Home, AppSettings]:
    """The home that is meant, with its folders made, and its settings. Raises HomeError."""
    home = home_of(args)
    home.ensure()
    return home, load_settings(home.settings_file)
