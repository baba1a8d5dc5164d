"""``chatapp bench``: how fast the chosen model is on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from chatapp.cli.options import add_command, add_engine_options, open_home, settings_from
from chatapp.cli.status import Status

if TYPE_CHECKING:
    from chatapp.cli.bench_measure import Measured
    from chatapp.engine.client import LocalEngine

__all__ = ["register"]

STOPPED = 130
"""Exit status after Ctrl+C."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        subparsers,
        "bench",
        help="how fast the model is on this machine",
        description="Measure how fast the chosen model reads and writes here, and how long the "
        "first token takes for short and long transcripts. About half a minute with the default "
        "model. Ctrl+C shows what was measured so far.",
        epilog="examples:\n"
        "  chatapp bench --quick\n"
        "  chatapp bench --window 8192 --threads 4\n"
        "  chatapp bench --kv-type q8_0 --json\n",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    parser.add_argument(
        "--quick", action="store_true", help="transcripts up to 512 tokens, each once"
    )
    add_engine_options(parser)
    parser.set_defaults(run=_command)


def _command(args: argparse.Namespace) -> int:
    import asyncio

    from chatapp.cli.bench_measure import Measured
    from chatapp.cli.first_run import ensure_model
    from chatapp.cli.opening import local_engine

    home, settings = open_home(args)
    settings = settings_from(args, settings)
    weights = ensure_model(home, settings)
    engine = local_engine(home, settings, weights)
    found = Measured(reuse=settings.reuse)
    status = 0
    try:
        asyncio.run(_measure(engine, found, args.quick))
    except KeyboardInterrupt:
        print("Stopped. This is what was measured so far.", file=sys.stderr)
        status = STOPPED
    finally:
        # After an error too: what was measured is not lost.
        if status or found.rows:
            _print(found, args.json)
    return status


async def _measure(engine: LocalEngine, found: Measured, quick: bool) -> None:
    from chatapp.cli.bench_measure import measure

    try:
        with Status(sys.stderr) as status:
            await measure(engine, found, quick=quick, tell=status)
    finally:
        await engine.close()


def _print(found: Measured, as_json: bool) -> None:
    from chatapp.cli.bench_chart import as_dict, lines
    from chatapp.cli.doctor_machine import processor

    if as_json:
        print(json.dumps(as_dict(found, processor()), indent=2))
    else:
        print("\n".join(lines(found, processor())))
