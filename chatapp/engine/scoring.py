"""How probable are given words? The network's own answer, without drawing anything."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile

from chatapp.engine.generation import Machine
from chatapp.engine.llama import Cancelled, Logits
from chatapp.engine.probe import logits_hash
from chatapp.engine.protocol import Score, Scored, Scores
from chatapp.engine.sampling import logsumexp
from chatapp.engine.telling import top


def score(machine: Machine, request: Score, cancelled: Callable[[], bool]) -> Scores:
    """Log-probabilities of the continuations, in their order.

    The prompt is read once; then each token is evaluated alone, exactly as if it had been
    generated, so that the sums equal those of the same tokens in a reply, bit for bit.
    Continuations that begin alike share the evaluation of their beginning.
    """
    encode = machine.model.encode
    prefix = encode(request.prefix)
    texts = [encode(text) for text in request.continuations]
    prompt = machine.prompt(request.messages, plain=request.plain)
    machine.check_room(prompt, len(prefix) + max(map(len, texts), default=1))
    machine.evaluator.enter(request.scope)
    reused = machine.evaluator.reusable(prompt.tokens)
    logits = machine.evaluator.read(prompt.tokens, cancelled=cancelled)
    for token in prefix:
        logits = machine.evaluator.step(token)
    start = len(prompt) + len(prefix)

    found: dict[int, list[float]] = {}
    path: list[tuple[int, Logits]] = []  # tokens, each with the logits before it
    evaluated = 0  # of them; the last one only when something follows it
    after = logits
    for index in sorted(range(len(texts)), key=lambda n: texts[n]):
        tokens = texts[index]
        pairs = zip((token for token, _ in path), tokens, strict=False)
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        if shared < len(path):
            after = path[shared][1]
            del path[shared:]
            machine.evaluator.back_to(start + shared)
            evaluated = shared
        logprobs = [float(before[token]) - logsumexp(before) for token, before in path]
        for token in tokens[shared:]:
            if cancelled():
                raise Cancelled
            if evaluated < len(path):
                after = machine.evaluator.step(path[-1][0])
                evaluated += 1
            logprobs.append(float(after[token]) - logsumexp(after))
            path.append((token, after))
        found[index] = logprobs
    return Scores(
        prompt=prompt,
        scores=tuple(
            Scored(text=text, tokens=tuple(texts[n]), logprobs=tuple(found[n]))
            for n, text in enumerate(request.continuations)
        ),
        logits=logits_hash(logits),
        prefix=tuple(prefix),
        alternatives=top(machine.model, logits, request.alternatives),
        reused=reused,
    )
