"""``chatapp export``: what you marked, reviewed and agreed to, as files for a training job."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatapp.cli.options import add_command
from chatapp.cli.status import Status
from chatapp.cli.store import opened, print_json
from chatapp.cli.text import clean
from chatapp.errors import ExportError

if TYPE_CHECKING:
    from chatapp.archive.exporting import Exported

__all__ = ["register"]


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        subparsers,
        "export",
        help="what you agreed to let train, as files for a training job",
        description="Write what you marked in sessions that are kept + training into a folder "
        "that a separate fine-tuning job reads. Nothing leaves unreviewed, and no weights change: "
        "a training job writes new ones.",
        epilog="formats: chatapp export --formats\n\n"
        "examples:\n"
        "  chatapp transcripts review                 first look at each example\n"
        "  chatapp export training-set                the canonical records\n"
        "  chatapp export sft --format trl-sft        for TRL's SFT trainer\n"
        "  chatapp export verify training-set         check it all again\n",
    )
    parser.add_argument("folder", metavar="FOLDER", nargs="?", help="or: verify FOLDER")
    parser.add_argument("verified", metavar="FOLDER", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--format", metavar="NAME", default="canonical", help="default: canonical")
    parser.add_argument("--formats", action="store_true", help="list the formats")
    parser.add_argument("--session", metavar="ID", action="append", default=[], help="only this")
    parser.add_argument("--parquet", action="store_true", help="Parquet instead of JSONL")
    parser.add_argument(
        "--validation",
        metavar="SHARE",
        type=_share,
        help="share of whole sessions held back for validation (0; for mlx-lm 0.1)",
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of that choice (0)")
    parser.add_argument("--no-review", action="store_true", help="let out what nobody has reviewed")
    parser.add_argument("--replace", action="store_true", help="in place of an earlier export")
    parser.add_argument("--json", action="store_true", help="print the manifest")
    parser.set_defaults(run=_run)


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError("must be from 0 up to, but not, 1")
    return share


def _validation(args: argparse.Namespace) -> float:
    # What is held back is not learnt, so nothing is unless somebody asks, or the trainer does.
    asked: float | None = args.validation
    return asked if asked is not None else 0.1 if args.format == "mlx-lm" else 0.0


def _run(args: argparse.Namespace) -> int:
    if args.formats:
        return _formats()
    if args.folder == "verify":
        return _verify(args)
    if args.verified is not None:
        raise ExportError(f"One folder, please: {args.folder!r} and {args.verified!r} were named.")
    if args.folder is None:
        raise ExportError("Name the folder to write. (chatapp export --help has examples.)")
    return _export(args)


def _formats() -> int:
    from chatapp.archive.exporting import FORMATS

    for form in FORMATS.values():
        print(f"{form.name:<24}{form.purpose}")
    return 0


def _verify(args: argparse.Namespace) -> int:
    from chatapp.archive.exporting import verify

    if args.verified is None:
        raise ExportError("Name the export to check: chatapp export verify FOLDER.")
    found = verify(Path(args.verified))
    if args.json:
        print_json({"folder": args.verified, "problems": list(found.problems)})
    else:
        for problem in found.problems:
            print(clean(problem))
        if not found.problems:
            rows = f"{found.rows:,} row{'s' * (found.rows != 1)}"
            print(f"In order: {rows}, each with its record, its consent and its hash.")
    return 1 if found.problems else 0


def _export(args: argparse.Namespace) -> int:
    from chatapp.archive import exports, reviews, sessions
    from chatapp.archive.exporting import Split

    with opened(args, writing=True) as store:
        if store is None:
            return 1
        names = [sessions.find(store, name).id for name in args.session]
        how: dict[str, Any] = {"container": "parquet"} if args.parquet else {}
        if not reviews.count(store, names):
            raise ExportError(
                "There is nothing to export: no session that is kept + training holds a correction "
                "or a reply that was marked. (F1 in the chat says how.)"
            )
        with Status(sys.stderr) as status:
            done = exports.run(
                store,
                Path(args.folder),
                sessions=names,
                unreviewed=args.no_review,
                progress=lambda at, total: status("Exporting", at, total or 0),
                format=args.format,
                split=Split(fraction=_validation(args), seed=args.seed),
                replace=args.replace,
                **how,
            )
    if args.json:
        print_json(done.manifest)
    else:
        _tell(done)
    return 0


def _tell(done: Exported) -> None:
    counts = done.manifest["counts"]
    splits = ", ".join(f"{name} {rows:,}" for name, rows in counts["splits"].items())
    records = f"{done.rows:,} record{'s' * (done.rows != 1)}"
    print(clean(f"{done.folder}: {records} ({splits}), {done.manifest['format']}"))
    for file in done.manifest["files"]:
        print(clean(f"  {file['name']:<28}{file['bytes']:>12,} bytes  {file['sha256'][:16]}"))
    for why, number in done.left_out.items():
        print(clean(f"left out: {number:,} ({why})"))
    if done.left_out and done.manifest["format"] in ("trl-sft", "axolotl", "sharegpt", "mlx-lm"):
        print(
            "(Examples behind earlier replies fit trl-prompt-completion and the canonical format.)"
        )
    if done.removed_partial:
        print("An unfinished export of the same name was removed.")
    print("No weights changed. A training job reads this folder and writes a new file.")
