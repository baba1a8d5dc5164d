"""``python -m chatapp.engine MODEL.gguf``: the engine by hand, one JSON line per request."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import time

from chatapp.engine.memory import KV_TYPES

started = time.time()


def main() -> int:
    """Load the model, say ``ready``, answer until the input ends."""
    parser = argparse.ArgumentParser(
        prog="python -m chatapp.engine",
        description="JSON lines in, JSON lines out. Nothing is kept between requests: each one "
        "carries the whole transcript.",
        epilog="A request: "
        '{"id": 1, "type": "generate", "messages": [{"role": "user", "content": "Hi"}]}',
    )
    parser.add_argument("weights", nargs="?", metavar="MODEL.gguf", help="the weight file")
    parser.add_argument("--about", action="store_true", help="say what llama.cpp is, and end")
    parser.add_argument("--window", type=int, default=2048, help="context window in tokens")
    parser.add_argument("--threads", type=int, default=0, help="threads (default: cores)")
    parser.add_argument("--gpu-layers", type=int, default=0, help="layers on a GPU (-1: all)")
    parser.add_argument("--kv-type", choices=KV_TYPES, default="f16", help="of the KV cache")
    parser.add_argument("--adapter", metavar="LORA.gguf", help="a LoRA added to the weights")
    parser.add_argument("--adapter-scale", type=float, default=1.0, help="times so much (0 to 10)")
    parser.add_argument("--shelf", type=int, default=256, help="MiB for caches set aside")
    parser.add_argument("--no-reuse", action="store_true", help="compute everything every turn")
    parser.add_argument(
        "--ordinary-cache",
        action="store_true",
        help="reuse whatever was evaluated, as others do: bits then depend on what came before",
    )
    args = parser.parse_args()
    if not args.about and args.weights is None:
        parser.error("a weight file is needed")

    from chatapp.engine.threads import set_waiting, thread_count

    # Before the library is loaded: OpenMP reads it once.
    set_waiting(os.environ)

    # Native code may print on fd 1; the protocol keeps a descriptor of its own.
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    if args.about:
        target.write(_about())
        target.flush()
        return 0

    from chatapp.engine.child import Engine, Options, Pipe, load
    from chatapp.engine.llama import quiet
    from chatapp.engine.wire import event_as_dict

    pipe = Pipe(sys.stdin.buffer, target)
    if not os.environ.get("CHATAPP_ENGINE_LOG"):
        quiet()
    options = Options(
        args.weights,
        window=args.window,
        threads=args.threads or thread_count(),
        adapt=not args.threads,
        gpu_layers=args.gpu_layers,
        kv_type=args.kv_type,
        reuse=not args.no_reuse,
        ordinary=args.ordinary_cache,
        shelf=args.shelf,
        adapter=args.adapter,
        adapter_scale=args.adapter_scale,
    )
    try:
        machine, adapting, ready = load(options, pipe, started)
    except BrokenPipeError:
        return 0
    except Exception as error:
        pipe.fail(0, error)
        return 1
    pipe.tell(0, event_as_dict(ready))
    Engine(machine, adapting, ready, pipe, options.weights).run()
    # Freeing the model takes time and gives the system nothing that ending does not.
    target.flush()
    os._exit(0)


def _about() -> bytes:
    """What llama.cpp is here, as one JSON line, whatever happens short of a crash."""
    from chatapp.engine.about import About

    try:
        from chatapp.engine.llama import build, has_gpu, quiet, system_info

        quiet()
        found = dataclasses.asdict(About(build(), system_info(), has_gpu()))
    except Exception as error:
        found = {"error": f"{type(error).__name__}: {error}"}
    return json.dumps(found).encode("ascii") + b"\n"


if __name__ == "__main__":
    sys.exit(main())
