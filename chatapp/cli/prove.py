"""``chatapp prove``: claims about language models, tested on the real one."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from chatapp.cli.options import add_command, add_engine_options, open_home, settings_from
from chatapp.cli.status import Status

if TYPE_CHECKING:
    from chatapp.proofs.evidence import Evidence
    from chatapp.proofs.experiment import Experiment
    from chatapp.proofs.lab import Lab

__all__ = ["register"]

STOPPED = 130
"""Exit status after Ctrl+C."""
EXITS = {"held": 0, "failed": 1, "untested": 2}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        subparsers,
        "prove",
        help="test the claims on the real model, and keep the evidence",
        description="Run experiments on the real model. Each states a claim, measures, and can "
        "fail. Without a name, it lists them.",
        epilog="exit status: 0 all held, 1 one did not hold, 2 one could not be tested here\n"
        "(2 also stands for wrong usage), 130 stopped\n\n"
        "examples:\n"
        "  chatapp prove                             the list of experiments\n"
        "  chatapp prove forgetting frozen           two of them\n"
        "  chatapp prove --all --report proof.html   all, and one page to show\n"
        "  chatapp prove forgetting --facts my.toml  with facts of your own\n",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="an experiment")
    parser.add_argument("--all", action="store_true", help="run every experiment")
    parser.add_argument("--json", action="store_true", help="print all evidence as JSON")
    parser.add_argument("--report", metavar="FILE", type=Path, help="write one page of HTML")
    parser.add_argument("--facts", metavar="FILE", type=Path, help="your own facts (TOML)")
    add_engine_options(parser)
    parser.set_defaults(run=_command)


def _command(args: argparse.Namespace) -> int:
    import asyncio

    from chatapp.cli.prove_text import listing, summary
    from chatapp.proofs.evidence import as_json, overall
    from chatapp.proofs.experiments import EXPERIMENTS
    from chatapp.proofs.running import chosen

    experiments = chosen(args.names)
    if not args.names and not args.all:
        print(listing(EXPERIMENTS.values()))
        return 0
    lab = _lab(args)
    found: list[Evidence] = []
    status = 0
    started = time.monotonic()
    try:
        asyncio.run(_run(experiments, lab, found, quiet=args.json))
    except KeyboardInterrupt:
        print("Stopped. This is what was found so far.", file=sys.stderr)
        status = STOPPED
    if args.json:
        sys.stdout.write(as_json(found))
    elif len(experiments) > 1:
        print(summary(found, time.monotonic() - started))
    if args.report and found:
        from chatapp.proofs.report import write_page

        write_page(args.report, found, made=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"))
        print(f"The report is in {args.report}", file=sys.stderr)
    return status or EXITS[overall(found)]


def _lab(args: argparse.Namespace) -> Lab:
    from chatapp.cli.first_run import ensure_model
    from chatapp.cli.opening import options_of
    from chatapp.engine.weights.library import Library
    from chatapp.proofs.facts import read_facts
    from chatapp.proofs.lab import Lab

    facts = read_facts(args.facts) if args.facts else None
    home, settings = open_home(args)
    settings = settings_from(args, settings)
    weights = ensure_model(home, settings)
    base = Library(home.models, home.cache).base_model(weights)
    options = options_of(settings, home, weights)
    return Lab(weights, options, facts=facts, base=base, log=home.engine_log)


async def _run(
    experiments: list[Experiment], lab: Lab, found: list[Evidence], *, quiet: bool
) -> None:
    from chatapp.cli.prove_text import told
    from chatapp.proofs.running import prove

    with Status(sys.stderr) as status:

        def progress(name: str, done: float, says: str) -> None:
            place = f"{len(found) + 1} of {len(experiments)}, " if len(experiments) > 1 else ""
            status(f"{place}{name}: {says}", int(done * 100), 100)

        async with lab:
            await lab.engine.start()
            async for evidence in prove(experiments, lab, progress):
                found.append(evidence)
                status.clear()
                if not quiet:
                    print(told(evidence, whole=len(experiments) == 1), flush=True)
