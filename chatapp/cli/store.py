"""The store as the command line opens it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from chatapp.cli.options import home_of

if TYPE_CHECKING:
    from pathlib import Path

    from chatapp.archive.store import Store
    from chatapp.home.paths import Home

__all__ = ["agreed", "as_dict", "opened", "print_json", "withdrawn"]


@contextmanager
def opened(args: argparse.Namespace, *, writing: bool = False) -> Iterator[Store | None]:
    """The store; ``None`` if nothing was ever stored, which is said."""
    from chatapp.archive.store import NAME, Store, open_to_read

    path = home_of(args).transcripts / NAME
    if not path.exists():
        if getattr(args, "json", False):
            print("[]")
        else:
            print("Nothing is stored: no session was ever kept. (Ctrl+L in the chat keeps one.)")
        yield None
        return
    with Store(path) if writing else open_to_read(path) as store:
        yield store


def withdrawn(home: Home, adapter: Path) -> str:
    """Whether an adapter rests on records that were withdrawn since, in a sentence or nothing.

    A store that cannot be read says nothing here: other commands tell of it.
    """
    from chatapp.archive.held import withdrawn_of
    from chatapp.archive.store import NAME, open_to_read
    from chatapp.errors import StoreError

    path = home.transcripts / NAME
    if not path.exists():
        return ""
    try:
        with open_to_read(path) as store:
            return withdrawn_of(store, adapter)
    except StoreError:
        return ""


def as_dict(value: Any) -> dict[str, Any]:
    """A record for programs."""
    return asdict(value)


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def agreed(question: str, yes: bool) -> bool:
    """Whether a person agrees. Without a terminal only ``--yes`` counts."""
    if yes:
        return True
    if not sys.stdin.isatty():
        print(f"{question} Say --yes to agree.", file=sys.stderr)
        return False
    return input(f"{question} [y/N] ").strip().casefold() in ("y", "yes")
