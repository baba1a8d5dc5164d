"""A bare llama.cpp loop in a process of its own: what chatapp's speed is compared with.

Run as ``python -m benchmarks.bare MODEL``, it takes one JSON command a line and answers with its
times. Nothing of chatapp is in it: ``llama_decode`` in batches of 512, llama.cpp's own greedy
sampler, llama.cpp's defaults (flash attention where it chooses it).
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chatapp.engine.threads import set_waiting, thread_count


class Bare:
    """The process, seen from outside. ``waiting`` replaces chatapp's OpenMP variables."""

    def __init__(
        self,
        weights: Path,
        *,
        threads: int | None = None,
        window: int = 2048,
        waiting: dict[str, str] | None = None,
    ) -> None:
        self.threads = threads or thread_count()
        environment = dict(os.environ)
        if waiting is None:
            set_waiting(environment)
        else:
            environment.pop("GOMP_SPINCOUNT", None)
            environment.pop("OMP_WAIT_POLICY", None)
            environment.update(waiting)
        arguments = [str(weights), str(self.threads), str(window)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.bare", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def ask(self, what: str, **values: Any) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": what, **values}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def decode(self, tokens: Sequence[int], count: int, threads: int | None = None) -> float:
        """Read ``tokens`` afresh, then decode ``count`` more, greedily: tokens a second."""
        found = self.ask("decode", tokens=list(tokens), count=count, threads=threads)
        return (len(found["tokens"]) - 1) / float(found["seconds"])

    def read(self, before: Sequence[int], tokens: Sequence[int]) -> float:
        """Seconds for evaluating ``tokens`` behind ``before`` (not timed), and picking a token."""
        return float(self.ask("read", before=list(before), tokens=list(tokens))["seconds"])

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def __enter__(self) -> Bare:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_BATCH = 512


class _Loop:
    """The loop inside the process."""

    def __init__(self, weights: str, threads: int, window: int) -> None:
        from llama_cpp import llama_cpp as lib

        self.lib = lib
        self._quiet = lib.llama_log_callback(lambda *_: None)
        lib.llama_log_set(self._quiet, ctypes.c_void_p(0))
        lib.llama_backend_init()
        self.model = lib.llama_model_load_from_file(
            weights.encode(), lib.llama_model_default_params()
        )
        params = lib.llama_context_default_params()
        params.n_ctx, params.n_batch = window, _BATCH
        params.n_threads = params.n_threads_batch = threads
        self.threads = threads
        self.context = lib.llama_init_from_model(self.model, params)
        self.memory = lib.llama_get_memory(self.context)
        self.sampler = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        lib.llama_sampler_chain_add(self.sampler, lib.llama_sampler_init_greedy())
        self._held: list[int] = []

    def evaluate(self, tokens: Sequence[int]) -> None:
        for at in range(0, len(tokens), _BATCH):
            part = tokens[at : at + _BATCH]
            array = (self.lib.llama_token * len(part))(*part)  # the batch only points to it
            batch = self.lib.llama_batch_get_one(array, len(part))
            if code := self.lib.llama_decode(self.context, batch):
                raise RuntimeError(f"llama_decode: {code}")

    def pick(self) -> int:
        return int(self.lib.llama_sampler_sample(self.sampler, self.context, -1))

    def decode(self, tokens: list[int], count: int, threads: int | None) -> dict[str, Any]:
        self.lib.llama_set_n_threads(self.context, threads or self.threads, threads or self.threads)
        self.lib.llama_memory_clear(self.memory, True)
        self._held = []
        self.evaluate(tokens)
        found = [self.pick()]
        started = time.perf_counter()
        one = (self.lib.llama_token * 1)()
        while len(found) < count:
            one[0] = found[-1]
            self.lib.llama_decode(self.context, self.lib.llama_batch_get_one(one, 1))
            found.append(self.pick())
        return {"seconds": time.perf_counter() - started, "tokens": found}

    def read(self, before: list[int], tokens: list[int]) -> dict[str, Any]:
        if self._held != before:
            self.lib.llama_memory_clear(self.memory, True)
            self.evaluate(before)
            self._held = before
        started = time.perf_counter()
        self.evaluate(tokens)
        self.pick()
        seconds = time.perf_counter() - started
        self.lib.llama_memory_seq_rm(self.memory, 0, len(before), -1)
        return {"seconds": seconds}


def main() -> None:
    """Answer commands until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("weights")
    parser.add_argument("threads", type=int)
    parser.add_argument("window", type=int)
    args = parser.parse_args()
    loop = _Loop(args.weights, args.threads, args.window)
    for line in sys.stdin:
        command = json.loads(line)
        print(json.dumps(getattr(loop, command.pop("do"))(**command)), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
