"""``chatapp-finetune``: an export of consented examples in, a new adapter out.

Exit status: 0 accepted, 1 one sentence on stderr, 2 wrong usage, 3 written as rejected, 130
stopped.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from chatapp import __version__
from chatapp.errors import ChatappError, TrainingError
from chatapp.home.paths import find_home
from chatapp.training import offline
from chatapp.training.recipe import read_recipe
from chatapp.training.stopping import Stopped

REJECTED = 3
STOPPED = 130

_NEEDED = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "gguf")

_EXAMPLES = """\
examples:
  chatapp export training-set
  chatapp-finetune training-set --base models/SmolLM2-135M-Instruct.Q4_1.gguf \\
      --out models/adapters/first
  torchrun --nproc_per_node 2 -m chatapp.training training-set --base ... --out ... \\
      --expect-world 2

Nothing is fetched and nothing is sent. The base's file is only read.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one job and return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    args = _parser().parse_args(arguments)
    rank, _ = offline.world()
    threads = offline.prepare(args.threads)
    try:
        return _run(args, arguments, threads)
    except KeyboardInterrupt:
        print("Stopped. A run that had begun goes on with --resume.", file=sys.stderr)
        return STOPPED
    except ChatappError as error:
        if rank == 0:
            print(_clean(str(error)), file=sys.stderr)
        return STOPPED if isinstance(error, Stopped) else 1


def _run(args: argparse.Namespace, arguments: list[str], threads: int) -> int:
    recipe = read_recipe(args.recipe)
    _check_packages()
    from chatapp.training.job import Job, run
    from chatapp.training.machine import choose
    from chatapp.training.processes import Processes
    from chatapp.training.progress import Progress

    machine = choose(args.device, args.precision, threads)
    processes = Processes(cpu=machine.device == "cpu", expected=args.expect_world)
    progress = Progress(sys.stderr if processes.first else None)
    cache = args.cache or find_home(None, os.environ, Path.cwd()).cache / "training"
    job = Job(
        dataset=args.dataset,
        base=args.base,
        out=args.out,
        cache=cache,
        recipe=recipe,
        seed=args.seed,
        any_source=args.any_source,
        resume=args.resume,
        replace=args.replace,
        merged=args.merged,
        command=shlex.join(["chatapp-finetune", *arguments]),
    )
    try:
        result = run(job, machine, processes, progress)
    finally:
        processes.close()
    if result is None:
        return 0
    for one in result.found.criteria:
        print(f"{'✓' if one.held else '✗'} {one.says}: {one.found} (wanted: {one.expected})")
    print(_clean(f"{args.out}: {result.status}. adapter {result.adapter_sha256[:16]}"))
    if result.status == "accepted":
        print("The base is the same file as before. A chat may now add the adapter to it.")
        return 0
    print(
        "It is kept with its reasons, and no chat offers it. Each answer is in "
        f"{_clean(str(args.out / 'evaluation.html'))}.\nAnother seed may do better (--seed "
        f"{args.seed + 1} --replace); what passes at the third try proves less than at the first."
    )
    return REJECTED


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def _check_packages() -> None:
    import importlib.util

    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise TrainingError(
            f"The fine-tuning job needs {', '.join(missing)}: pip install 'chatapp[finetune]'."
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chatapp-finetune",
        description="Train a LoRA adapter on what people agreed to let train, test it as a chat\n"
        "will use it, and write a folder. Weights that are chatted with never change.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"chatapp {__version__}")
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="a folder by chatapp export")
    parser.add_argument(
        "--base", type=Path, required=True, metavar="MODEL.gguf", help="the weights"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="what is written")
    parser.add_argument("--recipe", type=Path, metavar="FILE", help="other values (TOML)")
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="repeats a run (0)")
    parser.add_argument(
        "--merged", choices=("Q8_0", "F16"), help="write a whole model file as well"
    )
    parser.add_argument(
        "--any-source", action="store_true", help="replies of other weights as well"
    )
    parser.add_argument("--resume", action="store_true", help="go on with an unfinished run")
    parser.add_argument("--replace", action="store_true", help="in place of an earlier adapter")
    parser.add_argument("--threads", type=_number, metavar="N", help="of each process (cores)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    parser.add_argument("--expect-world", type=_number, metavar="N", help="fail unless N processes")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="for the unpacked base")
    return parser


def _number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100_000:
        raise argparse.ArgumentTypeError("must be a whole number above zero")
    return number


def _seed(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**32:
        raise argparse.ArgumentTypeError("must be from 0 to 2^32 - 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
