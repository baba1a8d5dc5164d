"""``chatapp serve``: the screen in a browser, for a class on a local network."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import ipaddress
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from chatapp.cli.options import add_command, add_model_options, open_home, settings_from, typed
from chatapp.errors import ChatappError, HomeError
from chatapp.home.settings import AppSettings, ServeSettings

if TYPE_CHECKING:
    from chatapp.engine.client import LocalEngine
    from chatapp.home.paths import Home
    from chatapp.serving.limits import Limits
    from chatapp.serving.visit import Visit

__all__ = ["register"]

MISSING = (
    "chatapp serve needs a web server, which is not installed: pip install 'chatapp[serve]' "
    "installs it (in a clone, make serve does)."
)
SERVER = "chatapp serve shares a local model among its visitors; it cannot share a server's."
NO_SOCKETS = "chatapp serve needs a system with Unix sockets; this one has none."

_HELP = {
    "visitors": "how many may be here at once",
    "window": "size of the context window that all have, in tokens",
    "sessions": "sessions that one visitor may have open",
    "reply_tokens": "longest reply, in tokens",
    "total_tokens": "tokens that one visitor may send and be answered, in all",
    "per_minute": "requests of one visitor in a minute",
    "reply_seconds": "seconds that one answer may take",
    "minutes": "minutes that one visitor has in all",
    "idle_minutes": "minutes without a key after which a screen ends",
    "link_minutes": "minutes during which a link lets anybody in",
}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        subparsers,
        "serve",
        help="the screen in a browser, for a class",
        description="Show the screen in the browsers of visitors, who share one model. Prints a "
        "link that lets them in. Only this computer can reach it unless --host says otherwise. "
        "Nothing that visitors write is kept. Ctrl+C ends it.",
        epilog="examples:\n"
        "  chatapp serve                         try it on this computer\n"
        "  chatapp serve --host 0.0.0.0          a class on the local network\n"
        "  chatapp serve --host 0.0.0.0 --visitors 12 --one-link-each\n",
    )
    parser.set_defaults(run=_command)
    group = parser.add_argument_group("who can reach it")
    group.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen at (default: 127.0.0.1, this computer alone; 0.0.0.0: everyone on "
        "the network)",
    )
    group.add_argument("--port", type=_port, default=8000, help="port (default: 8000; 0: any)")
    group.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="HOST",
        help="a further name by which browsers call this computer; may be given more than once",
    )
    group.add_argument(
        "--one-link-each",
        action="store_true",
        help="print as many links as visitors, each for one browser (default: one link for all)",
    )
    limits = parser.add_argument_group("limits on each visitor")
    for field in dataclasses.fields(ServeSettings):
        if field.name != "window":  # an option of the model, below
            limits.add_argument(
                f"--{field.name.replace('_', '-')}",
                type=typed(ServeSettings, field.name),
                metavar="N",
                help=f"{_HELP[field.name]} (default: {field.default:,})",
            )
    add_model_options(parser, without=frozenset(("tools",)))


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError("must be a number from 0 to 65535")
    return int(text)


def _command(args: argparse.Namespace) -> int:
    try:
        import textual_serve  # noqa: F401
    except ImportError:
        raise ChatappError(MISSING) from None
    if sys.platform == "win32":
        raise ChatappError(NO_SOCKETS)
    home, settings = open_home(args)
    serve = _limits_from(args, settings)
    settings = dataclasses.replace(settings_from(args, settings), window=serve.window)
    if settings.server is not None:
        raise ChatappError(SERVER)
    from chatapp.cli.chat import leave_no_core
    from chatapp.cli.first_run import ensure_model

    weights = ensure_model(home, settings, args.model)
    leave_no_core()  # this process and the engine hold what every visitor says
    return asyncio.run(_serve(args, home, settings, serve, weights))


def _limits_from(args: argparse.Namespace, settings: AppSettings) -> ServeSettings:
    names = [field.name for field in dataclasses.fields(ServeSettings)]
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    return dataclasses.replace(settings.serve, **given)


async def _serve(
    args: argparse.Namespace,
    home: Home,
    settings: AppSettings,
    serve: ServeSettings,
    weights: Path,
) -> int:
    from chatapp.cli.opening import local_engine
    from chatapp.engine.memory import available
    from chatapp.serving.broker import Broker
    from chatapp.serving.door import Door
    from chatapp.serving.guard import Guard
    from chatapp.serving.limits import Limits
    from chatapp.serving.web import Site

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)

    limits = Limits(
        **{field.name: getattr(serve, field.name) for field in dataclasses.fields(Limits)}
    )
    engine = local_engine(home, settings, weights)
    engine.options = dataclasses.replace(engine.options, shelf=_shelf(available()))
    broker, door = Broker(engine, limits), Door(limits)
    with tempfile.TemporaryDirectory(prefix="chatapp-serve-") as folder:
        visit = await asyncio.to_thread(_visit, home, settings, engine, limits)
        site = Site(broker, door, limits, visit, Path(folder), guard=Guard(_names(args)), said=_say)
        try:
            await broker.start()
            try:
                port = await site.open(args.host, args.port)
            except OSError as error:
                raise HomeError(
                    f"{args.host}, port {args.port}, cannot be listened at: {error.strerror}. "
                    "--port chooses another."
                ) from None
            _introduce(args, door, limits, port, visit.label)
            await stopped.wait()
            _say("Ending…")
        finally:
            await site.close()
            await broker.close()
    _say("Ended. Nothing that visitors wrote was kept.")
    return 0


def _names(args: argparse.Namespace) -> list[str]:
    """The names by which browsers may call this computer; that of ``--host`` is one of them."""
    try:
        ipaddress.ip_address(args.host)
    except ValueError:
        return [*args.name, args.host] if args.host else list(args.name)
    return list(args.name)


def _shelf(free: int | None) -> int:
    """MiB for what was computed for visitors who wait: a quarter of what is free, at most 1 GiB."""
    return 256 if free is None else max(64, min(1024, (free >> 20) // 4))


def _visit(home: Home, settings: AppSettings, engine: LocalEngine, limits: Limits) -> Visit:
    """What each visitor's screen is told. Hashes the weights if that was not done before."""
    from chatapp.cli.opening import sampling_of
    from chatapp.engine.weights.library import Library
    from chatapp.serving.visit import Visit, identity_of

    weights, sampling = engine.weights, sampling_of(settings)
    most = min(sampling.max_tokens, limits.reply_tokens)
    adapter = engine.options.adapter
    return Visit(
        number=0,
        weights=str(weights),
        label=weights.stem,
        sha256=f"{Library(home.models, home.cache).sha256(weights)} {identity_of(weights)}",
        limits=dataclasses.asdict(limits),
        sampling=dataclasses.replace(sampling, max_tokens=most).as_dict(),
        system=settings.system,
        policy=settings.policy,
        theme=settings.theme,
        adapter=str(adapter) if adapter is not None else None,
        adapter_scale=engine.options.adapter_scale,
    )


def _introduce(
    args: argparse.Namespace, door: object, limits: Limits, port: int, label: str
) -> None:
    """Print the links, and who can reach them."""
    from chatapp.serving.door import Door
    from chatapp.serving.guard import own_address

    assert isinstance(door, Door)
    everywhere = args.host in ("0.0.0.0", "::", "")
    # Who listens at :: is reached by IPv6 alone.
    own = own_address(six=args.host == "::") if everywhere else args.host
    host = args.name[0] if args.name else own
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}/join/"
    _say(f"{label}, shared by up to {limits.visitors} visitors. Ctrl+C ends it.")
    if not args.host.startswith("127.") and args.host not in ("localhost", "::1"):
        _say(
            f"Warning: everyone who can reach {host} on the network can see these pages, and the "
            "connection is not encrypted: others on the network can read what is typed. Use it in "
            "a network you trust, and end it after the class."
        )
    minutes = f"{limits.link_minutes} minutes"
    if args.one_link_each:
        _say(f"{limits.visitors} links, each for one browser, within {minutes}:")
        for _ in range(limits.visitors):
            _say(f"  {base}{door.new_link(1)}")
    else:
        _say(f"One link for {limits.visitors} browsers, within {minutes}:")
        _say(f"  {base}{door.new_link(limits.visitors)}")


def _say(line: str) -> None:
    # A terminal that was closed must not keep anything from ending.
    with contextlib.suppress(OSError):
        print(line, flush=True)
