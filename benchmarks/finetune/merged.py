"""What a merged file keeps of an adapter: questions, and the next tokens' distributions.

    python -m benchmarks.finetune.merged --base models/….gguf --adapter …/adapter.gguf --set tuning

``same`` rounds back to the types of the base (4 bits here): what ``--merged`` does not offer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.finetune.facts import Facts, read
from chatapp.engine.client import LocalEngine
from chatapp.engine.protocol import Generate, Sampling, Token
from chatapp.engine.threads import thread_count
from chatapp.training.engines import Ask, Engines, side_by_side
from chatapp.training.gate import TOKENS, says
from chatapp.training.general import general_weighed
from chatapp.training.merging import write_merged
from chatapp.training.prompts import asked

PLACES = (0, 2, 4, 6)
LISTED = 50

Listed = dict[int, float]


async def steps(
    engine: LocalEngine, question: str, begun: tuple[int, ...], most: int
) -> list[Token]:
    request = Generate(
        messages=asked(question),
        sampling=Sampling(max_tokens=most),
        alternatives=LISTED,
        begun=begun,
    )
    return [event async for event in engine.generate(request) if isinstance(event, Token)]


async def distributions(engines: Engines, paths: dict[str, tuple[int, ...]]) -> list[Listed]:
    """The most probable next tokens (nats), behind the same words for every file."""

    async def one(question: str, place: int) -> Listed:
        async with engines.one() as engine:
            (token, *_) = await steps(engine, question, paths[question][:place], 1)
        return {each.token: each.logprob for each in token.alternatives if each.token is not None}

    work = [
        partial(one, question, place)
        for question, path in paths.items()
        for place in PLACES
        if place < len(path)
    ]
    return await side_by_side(work, lambda _: None)


def kl(before: Listed, after: Listed) -> float:
    """KL(before ‖ after), nats; what is not listed by both is one more choice."""
    both = before.keys() & after.keys()
    rest = [math.log(max(1 - sum(math.exp(d[t]) for t in both), 1e-9)) for d in (before, after)]
    total = sum(math.exp(before[t]) * (before[t] - after[t]) for t in both)
    return total + math.exp(rest[0]) * (rest[0] - rest[1])


async def questions(engines: Engines, facts: Facts) -> dict[str, Any]:
    pairs = [(one.question, one.right) for one in facts.corrections]
    pairs += [(text, one.right) for one in facts.corrections for text in one.wordings]
    replies = await side_by_side(
        [partial(engines.ask, Ask(asked(text), TOKENS)) for text, _ in pairs], lambda _: None
    )
    right = [says(reply.text, word) for reply, (_, word) in zip(replies, pairs, strict=True)]
    count = len(facts.corrections)
    return {
        "corrections": [sum(right[:count]), count],
        "wordings": [sum(right[count:]), len(right) - count],
        "replies": [one.text for one in replies[:count]],
    }


async def compare(args: argparse.Namespace, facts: Facts, folder: Path) -> dict[str, Any]:
    texts = [one.question for one in facts.corrections] + list(facts.neighbours[:8])
    texts += [prompt for prompt, _ in general_weighed()[:8]]
    threads = thread_count()
    paths: dict[str, tuple[int, ...]] = {}
    found: dict[str, Any] = {}
    async with Engines(args.base, threads, args.adapter) as engines:
        for text in texts:
            async with engines.one() as engine:
                said = await steps(engine, text, (), 8)
            paths[text] = tuple(one.token for one in said if one.token is not None and not one.ends)
        wanted = await distributions(engines, paths)
        found["base + adapter"] = await questions(engines, facts)
    files = {"base": args.base}
    for kind in ("F16", "Q8_0", "same"):
        files[kind] = folder / f"merged.{kind}.gguf"
        write_merged(files[kind], args.base, args.adapter, kind, {})
    for name, path in files.items():
        async with Engines(path, threads) as engines:
            seen = await distributions(engines, paths)
            row = await questions(engines, facts)
        top = [
            max(a, key=a.__getitem__) == max(b, key=b.__getitem__)
            for a, b in zip(wanted, seen, strict=True)
        ]
        row["bytes"] = path.stat().st_size
        row["same_top"] = [sum(top), len(top)]
        row["kl"] = round(sum(map(kl, wanted, seen)) / len(seen), 5)
        found[name] = row
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--adapter", type=Path, required=True, help="trained on that set")
    parser.add_argument("--set", choices=("test", "tuning"), default="tuning")
    parser.add_argument("--facts", type=int, default=8, help="so many of its corrections")
    args = parser.parse_args()
    whole = read(args.set)
    facts = Facts(whole.corrections[: args.facts], whole.neighbours)
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(compare(args, facts, Path(folder)))
    print(json.dumps(found, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
