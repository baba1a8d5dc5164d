"""``python -m chatapp.engine MODEL.gguf``: the engine by hand, one JSON line per request."""

from __future__ import annotations

import argparse
import os
import sys
import time

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
    parser.add_argument("weights", metavar="MODEL.gguf", help="the weight file")
    parser.add_argument("--window", type=int, default=2048, help="context window in tokens")
    parser.add_argument("--threads", type=int, default=0, help="threads (default: cores)")
    parser.add_argument("--gpu-layers", type=int, default=0, help="layers on a GPU (-1: all)")
    parser.add_argument("--no-reuse", action="store_true", help="compute everything every turn")
    args = parser.parse_args()

    from chatapp.engine.threads import set_waiting, thread_count

    # Before the library is loaded: OpenMP reads it once.
    set_waiting(os.environ)

    # Native code may print on fd 1; the protocol keeps a descriptor of its own.
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

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
        gpu_layers=args.gpu_layers,
        reuse=not args.no_reuse,
    )
    try:
        machine, ready = load(options, pipe, started)
    except BrokenPipeError:
        return 0
    except Exception as error:
        pipe.fail(0, error)
        return 1
    pipe.tell(0, event_as_dict(ready))
    Engine(machine, ready, pipe, options.weights).run()
    # Freeing the model takes time and gives the system nothing that ending does not.
    target.flush()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
