"""Stored sessions changed: names, tags, consent; withdrawn, deleted."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from chatapp.cli.options import home_of
from chatapp.cli.store import agreed, as_dict, opened, print_json
from chatapp.cli.text import clean
from chatapp.cli.transcripts_list import when
from chatapp.errors import StoreError

if TYPE_CHECKING:
    from chatapp.archive.records import Consent
    from chatapp.archive.store import Store

GONE = " (no longer there; copies of it may be)"

__all__ = ["consent", "delete", "rename", "tag", "withdraw"]


def rename(args: argparse.Namespace) -> int:
    """Another name."""
    from chatapp.archive import sessions

    with opened(args, writing=True) as store:
        if store is None:
            return 1
        sessions.rename(store, sessions.find(store, args.id).id, args.name)
    return 0


def tag(args: argparse.Namespace) -> int:
    """These tags, and no others."""
    from chatapp.archive import sessions

    with opened(args, writing=True) as store:
        if store is None:
            return 1
        sessions.tag(store, sessions.find(store, args.id).id, args.tags)
    return 0


def consent(args: argparse.Namespace) -> int:
    """The ledger of a session, or a change of what it may be used for."""
    from chatapp.archive import ledger, sessions
    from chatapp.archive.consent import MEANINGS, change, raises
    from chatapp.archive.writing import set_state

    with opened(args, writing=args.state is not None) as store:
        if store is None:
            return 1
        if args.state is None:
            entries = ledger.consents(store, _session(store, args.id))
            if args.json:
                print_json([as_dict(entry) for entry in entries])
            else:
                _print(entries)
            return 0
        info = sessions.find(store, args.id)
        says = change(info.state, args.state)
        asks = raises(info.state, args.state) or args.state == "off"
        if asks and not agreed(f"{says} Agreed?", args.yes):
            return 1
        set_state(store, info.id, args.state)
        print(f"{MEANINGS[args.state].label}. {says}")
    return 0


def _print(entries: Iterable[Consent]) -> None:
    for entry in entries:
        print(
            clean(
                f"{when(entry.at)}  {entry.before} → {entry.state}  "
                f"(wording {entry.version}) {entry.wording}"
            )
        )


def _session(store: Store, name: str) -> str:
    """A session's id; of one that was deleted, from the ledger."""
    from chatapp.archive import ledger, sessions

    try:
        return sessions.find(store, name).id
    except StoreError:
        found = {entry.session for entry in ledger.consents(store)}
        begun = [one for one in found if name and one.startswith(name)]
        if len(begun) != 1:
            raise
        return begun[0]


def withdraw(args: argparse.Namespace) -> int:
    """No later export holds the session; which earlier ones do, and which adapters rest on them."""
    from chatapp.archive import sessions
    from chatapp.archive.held import adapters_on, held_by
    from chatapp.archive.writing import set_state

    with opened(args, writing=True) as store:
        if store is None:
            return 1
        name = _session(store, args.id)
        lowered = False
        try:
            lowered = sessions.find(store, name).state == "training"
            if lowered:
                set_state(store, name, "kept")
        except StoreError as error:
            if error.kind != "missing":
                raise
        held = held_by(store, name)
    adapters = adapters_on(home_of(args).models / "adapters", [one.export for one in held])
    if args.json:
        print_json(
            {
                "session": name,
                "lowered": lowered,
                "exports": [as_dict(one) for one in held],
                "adapters": [str(path) for path in adapters],
            }
        )
        return 0
    print("Withdrawn: no later export holds this session.")
    if not held:
        print("No earlier export held it either.")
    for one in held:
        print(
            clean(
                f"  held by the export of {when(one.at)} ({one.format}, "
                f"{one.records} of its records): {one.folder}{'' if one.there else GONE}"
            )
        )
    for path in adapters:
        print(clean(f"  trained on that: the adapter {path.name} ({path})"))
    if any(one.there for one in held):
        print(
            "Their files are as they were, with a note that chatapp-finetune heeds: delete them, "
            "and train again without this session (chatapp models adapter retrain NAME)."
        )
    return 0


def delete(args: argparse.Namespace) -> int:
    """Gone from the disk, the search index included."""
    from chatapp.archive import sessions
    from chatapp.archive.held import held_by

    with opened(args, writing=True) as store:
        if store is None:
            return 1
        found = [sessions.find(store, name) for name in args.ids]
        for info in found:
            print(clean(f"{info.id}  {' '.join(info.title.split())[:60]}"))
        many = "this session" if len(found) == 1 else f"these {len(found)} sessions"
        if not agreed(f"Delete {many} from the disk, the search index included?", args.yes):
            return 1
        for info in found:
            sessions.delete(store, info.id)
            if held := held_by(store, info.id):
                print(
                    f"{info.id[:8]} is still in {len(held)} earlier export(s): "
                    f"chatapp transcripts withdraw {info.id} lists them."
                )
    print("Deleted.")
    return 0
