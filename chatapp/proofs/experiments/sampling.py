"""Many first tokens drawn with different seeds, against the predicted probabilities."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace

from chatapp.engine.protocol import MAX_ALTERNATIVES, Generate, Sampling
from chatapp.proofs.asking import ask, user
from chatapp.proofs.evidence import Plot
from chatapp.proofs.experiment import Experiment
from chatapp.proofs.lab import Lab
from chatapp.proofs.record import Record
from chatapp.proofs.statistics import goodness_of_fit

DRAWS = 600
LEAST = 0.0001
"""A p-value below this would come about by chance once in ten thousand times."""
TEXT = "My favourite animal is the"
SETTINGS = Sampling(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, seed=0, max_tokens=1)
_SHOWN = 12


async def run(lab: Lab, record: Record) -> None:
    request = Generate(messages=[user(TEXT)], sampling=SETTINGS, plain=True)
    record.progress(0.0, "the predicted distribution")
    told = await ask(lab.engine, replace(request, alternatives=MAX_ALTERNATIVES))
    predicted = {
        other.token: (other.share or 0.0, other.text)
        for other in told.tokens[0].alternatives
        if other.token is not None
    }
    counts: Counter[int] = Counter()
    inside = again = 0
    firsts = set()
    for seed in range(DRAWS):
        if seed % 20 == 0:
            record.progress(0.9 * seed / DRAWS, f"draw {seed + 1} of {DRAWS}")
        one = await ask(lab.engine, replace(request, sampling=replace(SETTINGS, seed=seed)))
        [token] = one.tokens
        counts[token.token or 0] += 1
        firsts.add(token.logits)
        again += token.draw == drawn(seed, len(one.prompt))
        if token.draw is not None and token.before is not None and token.share is not None:
            inside += token.before - 1e-12 <= token.draw <= token.before + token.share + 1e-12
    record.progress(0.95, "temperature 0")
    cold = [
        (await ask(lab.engine, replace(request, sampling=Sampling(seed=seed, max_tokens=1)))).ids
        for seed in range(10)
    ]
    top = max(predicted, key=lambda token: predicted[token][0])
    fit = goodness_of_fit(
        [(counts[token], share) for token, (share, _) in predicted.items()], DRAWS
    )

    record.sent("What was sent, the same every time", told)
    shown = list(predicted.items())[:_SHOWN]
    record.plot(
        Plot(
            title=f"First tokens: predicted, and drawn with {DRAWS} seeds",
            shape="bars",
            labels=[text for _, (_, text) in shown],
            series={
                "predicted": [share for _, (share, _) in shown],
                "drawn": [counts[token] / DRAWS for token, _ in shown],
            },
            unit="share",
        )
    )
    record.table(
        "Chi-squared test of goodness of fit",
        ["draws", "groups", "chi-squared", "degrees of freedom", "p-value"],
        [[DRAWS, fit.groups, fit.statistic, fit.degrees, fit.p]],
        note="Tokens that were expected fewer than five times are one group. A p-value near 0 "
        "would mean that the draws do not follow the distribution.",
    )
    record.check(
        "The draws follow the predicted probabilities.",
        fit.p >= LEAST,
        expected=f"p ≥ {LEAST}",
        found=f"p = {fit.p:.3g}",
    )
    record.same("Each draw fell into the stretch of the token that was taken.", DRAWS, inside)
    record.same("Each random number is the one that its seed stands for.", DRAWS, again)
    record.same("All were drawn from one distribution, equal to the bit.", 1, len(firsts))
    record.check(
        "Temperature 0 always takes the most probable token, whatever the seed.",
        all(ids == [top] for ids in cold),
        expected=predicted[top][1],
        found=f"{sum(ids == [top] for ids in cold)} of {len(cold)}",
    )
    record.say(
        "The random number of a draw is the first 53 bits of SHA-256 of the text “seed:position”, "
        "so anybody can compute it again."
    )


def drawn(seed: int, position: int) -> float:
    """The random number that a seed stands for, computed here and not by the engine."""
    digest = hashlib.sha256(f"{seed}:{position}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


EXPERIMENT = Experiment(
    name="sampling",
    title="Drawn from one distribution",
    claim="The model gives probabilities; the seed draws from them. Many draws add up to the "
    "predicted probabilities, and temperature 0 always takes the most probable token.",
    run=run,
)
