"""``chatapp models``: list, pull, info, verify and use weight files."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from chatapp.cli.options import add_command, home_of, open_home
from chatapp.cli.store import withdrawn

if TYPE_CHECKING:
    from chatapp.engine.weights.catalogue import Entry
    from chatapp.engine.weights.library import Library

__all__ = ["register", "run"]

_TEMPLATE_LINES = 6
_ABOUT = (
    "An adapter is a small file of numbers that are added to a model's own while it computes. "
    "The fine-tuning job makes it; the model's file stays as it is."
)


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        subparsers,
        "models",
        help="weight files: what is here, what can be fetched",
        description="A model is a file of frozen numbers. These commands list, fetch, describe, "
        "check and choose such files. Chatting never changes one.",
        epilog="examples:\n"
        "  chatapp models\n"
        "  chatapp models pull gemma-3-270m\n"
        "  chatapp models info ~/Downloads/some-model.gguf\n"
        "  chatapp models verify\n"
        "  chatapp models adapter info turkey\n",
    )
    parser.add_argument("--json", action="store_true", help="print the list as JSON")
    parser.set_defaults(run=run, action=_list)
    actions = parser.add_subparsers(title="commands", metavar="COMMAND")

    def action(name: str, do: Callable[[argparse.Namespace], int], text: str) -> ArgumentParser:
        sub = add_command(actions, name, help=text, description=text[0].upper() + text[1:] + ".")
        sub.set_defaults(action=do)
        return sub

    listing = action("list", _list, "what is here, what can be fetched (the default)")
    listing.add_argument("--json", action="store_true", help="print JSON", default=SUPPRESS)
    pull = action("pull", _pull, "fetch a model of the catalogue and check it")
    pull.add_argument("name", metavar="NAME", help="a name that chatapp models shows")
    info = action("info", _info, "what a GGUF file says of itself, and its hash")
    info.add_argument("name", metavar="FILE", help="a file, or the name of a model that is here")
    verify = action("verify", _verify, "read files whole, compare them with the catalogue")
    verify.add_argument("name", metavar="NAME", nargs="?", help="one model; without it, all here")
    adapter = action("adapter", _adapter_info, "what is known of a LoRA adapter")
    actions_of = adapter.add_subparsers(title="commands", metavar="COMMAND", required=True)
    about = add_command(actions_of, "info", help="what is known of one", description=_ABOUT)
    about.add_argument("name", metavar="NAME", help="an adapter in models/adapters/, or a path")
    about.add_argument("-m", "--model", metavar="MODEL", help="the base that it is held against")
    again = add_command(
        actions_of,
        "retrain",
        help="train one again without what was withdrawn since",
        description="Train an adapter again from its base, in its place, on those of its records "
        "that may still train. It runs the fine-tuning job (pip install 'chatapp[finetune]').",
    )
    again.add_argument("name", metavar="NAME", help="an adapter in models/adapters/")
    again.set_defaults(action=_retrain)
    use = action("use", _use, "choose the model that chatapp starts with")
    use.add_argument("name", metavar="NAME", help="the name of a model that is here, or a path")


def run(args: argparse.Namespace) -> int:
    """Run the action that was named; return the exit status."""
    status: int = args.action(args)
    return status


def _library(args: argparse.Namespace) -> Library:
    from chatapp.engine.weights.library import Library

    home = home_of(args)
    return Library(home.models, home.cache)


def _list(args: argparse.Namespace) -> int:
    from chatapp.cli.models_list import show_list
    from chatapp.home.settings import load_settings

    settings = load_settings(home_of(args).settings_file)
    show_list(
        _library(args), settings.model, args.json, withdrawn=partial(withdrawn, home_of(args))
    )
    return 0


def _pull(args: argparse.Namespace) -> int:
    from chatapp.cli.pulling import announce, fetch
    from chatapp.cli.text import training
    from chatapp.errors import PullError

    home_of(args).ensure()
    library = _library(args)
    entry = library.catalogue.find(args.name) or library.catalogue.by_file(args.name)
    if entry is None:
        names = ", ".join(entry.name for entry in library.catalogue.entries)
        raise PullError(f"The catalogue has no model {args.name!r}; it has {names}.")
    if (library.models_dir / entry.file).exists():
        print(f"{entry.file} is here already; it is only checked.")
    else:
        announce(entry, library.models_dir, sys.stdout)
        print(f"Kind     {entry.kind}; {training(entry)}")
    fetch(entry, library.models_dir, sys.stdout)
    return 0


def _info(args: argparse.Namespace) -> int:
    from chatapp.cli.pulling import ProgressLine
    from chatapp.cli.text import clean, count, size, training
    from chatapp.context.template import ChatTemplate
    from chatapp.engine.weights.gguf import read_header

    library = _library(args)
    path = library.resolve(args.name)
    header = read_header(path, with_vocabulary=False)
    with ProgressLine(sys.stderr) as line:
        sha256 = library.sha256(path, progress=lambda done, total: line("Reading", done, total))
    entry = library.catalogue.by_sha256(sha256)
    context = f"{header.trained_context:,} tokens" if header.trained_context else "not said"
    rows = {
        "file": str(path),
        "calls itself": header.name or "nothing",
        "architecture": f"{header.architecture}, {header.blocks or '?'} blocks",
        "size": f"{size(header.size)} ({header.size:,} bytes)",
        "numbers": f"{count(header.parameters)} ({header.parameters:,})",
        "quantisation": header.quantisation or "not said",
        "trained context": context,
        "vocabulary": f"{header.vocabulary_size:,} tokens ({header.tokenizer_model or 'not said'})",
        "tools": "yes" if ChatTemplate(header.chat_template).takes_tools else "no",
        "licence": header.licence or "not said in the file",
        "sha-256": sha256,
        "catalogue": f"{entry.name}, {entry.kind}" if entry else "does not know this file",
    }
    for name, value in rows.items():
        print(f"{name:<17}{clean(value)}")
    if entry is not None:
        print(f"{'':<17}{training(entry)}")
        for source in {entry.training_tokens_source, entry.training_cutoff_source} - {None}:
            print(f"{'':<17}published in: {source}")
    _print_template(header.chat_template)
    return 0


def _adapter_info(args: argparse.Namespace) -> int:
    from chatapp.cli.adapters import info
    from chatapp.home.settings import load_settings

    library = _library(args)
    chosen = load_settings(home_of(args).settings_file).model
    gone = partial(withdrawn, home_of(args))
    for text in info(library, args.name, library.resolve(args.model, chosen), gone):
        print(text)
    return 0


def _retrain(args: argparse.Namespace) -> int:
    from chatapp.cli.retrain import retrain

    return retrain(args)


def _print_template(template: str | None) -> None:
    from chatapp.cli.text import clean

    if template is None:
        print(f"{'template':<17}none: a base model, never taught to hold a conversation")
        return
    lines = clean(template).splitlines()
    print(f"{'template':<17}{len(template):,} characters:")
    for text in lines[:_TEMPLATE_LINES]:
        print("    " + text)
    if len(lines) > _TEMPLATE_LINES:
        print(f"    … {len(lines) - _TEMPLATE_LINES} more lines")


def _verify(args: argparse.Namespace) -> int:
    from chatapp.cli.pulling import ProgressLine
    from chatapp.cli.text import clean

    library = _library(args)
    paths = [library.resolve(args.name)] if args.name else [i.path for i in library.installed()]
    if not paths:
        print(f"No model is in {clean(str(library.models_dir))}.")
    differs = False
    for path in paths:
        with ProgressLine(sys.stderr) as line:
            verdict = library.verify(path, lambda done, total: line("Reading", done, total))
        sha256 = library.sha256(path)
        entry = library.catalogue.by_file(path.name)
        print(f"{clean(path.name)}\n    SHA-256 {sha256}")
        if verdict == "verified":
            print("    verified: byte for byte the file that the catalogue names")
        elif verdict == "unknown":
            print("    unknown: not in the catalogue, so there is nothing to compare it with")
        elif entry is not None:
            print(f"    DIFFERS: the catalogue says {entry.sha256}\n    {_cure(path, entry)}")
            differs = True
    return 1 if differs else 0


def _cure(path: Path, entry: Entry) -> str:
    return f"Move {path.name} away, then: chatapp models pull {entry.name}"


def _use(args: argparse.Namespace) -> int:
    from chatapp.cli.text import clean, training
    from chatapp.engine.weights.gguf import read_header
    from chatapp.home.settings import save_settings

    home, settings = open_home(args)
    library = _library(args)
    path = library.resolve(args.name)
    header = read_header(path, with_vocabulary=False)
    entry = library.catalogue.by_file(path.name)
    inside = path.parent == library.models_dir
    name = entry.name if entry and inside else path.name if inside else str(path)
    save_settings(home.settings_file, dataclasses.replace(settings, model=name, adapter=None))
    print(f"chatapp now starts with {clean(name)}.")
    if entry is not None:
        print(f"{entry.kind}; {training(entry)}")
    elif header.chat_template is None:
        print("It has no chat template: a base model, which only continues text.")
    return 0
