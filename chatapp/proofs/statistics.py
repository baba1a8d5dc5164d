"""Pearson's chi-squared test of goodness of fit, without a library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_FEW = 5.0
"""Groups that are expected fewer times are put together (the usual rule of thumb)."""


@dataclass(frozen=True, slots=True)
class Fit:
    """``p``: how often chance alone would be this far off, or further."""

    statistic: float
    groups: int
    degrees: int
    p: float


def goodness_of_fit(seen: Sequence[tuple[int, float]], draws: int) -> Fit:
    """Compare counts with probabilities: ``seen`` holds (count, probability) of each outcome.

    What is left of ``draws`` and of probability 1 is one more group, with all rare outcomes.
    """
    large = [(count, share) for count, share in seen if share * draws >= _FEW]
    rest_count = draws - sum(count for count, _ in large)
    rest_share = max(1.0 - sum(share for _, share in large), 0.0)
    groups = list(large)
    if rest_count or rest_share * draws >= 1.0:
        groups.append((rest_count, max(rest_share, 1e-12)))
    statistic = sum((count - share * draws) ** 2 / (share * draws) for count, share in groups)
    degrees = max(len(groups) - 1, 1)
    return Fit(statistic, len(groups), degrees, chi_squared_tail(statistic, degrees))


def chi_squared_tail(statistic: float, degrees: int) -> float:
    """P(X ≥ statistic) for chi-squared with ``degrees`` degrees of freedom.

    The regularised upper incomplete gamma function Q(degrees/2, statistic/2): a sum for whole and
    half numbers (Abramowitz and Stegun, 26.4.4 and 26.4.5).
    """
    if statistic <= 0:
        return 1.0
    half = statistic / 2
    if degrees % 2:
        total = math.erfc(math.sqrt(half))
        term = math.exp(-half) * math.sqrt(half) * 2 / math.sqrt(math.pi)
        for n in range(1, (degrees - 1) // 2 + 1):
            total += term
            term *= half / (n + 0.5)
        return min(total, 1.0)
    term = total = math.exp(-half)
    for n in range(1, degrees // 2):
        term *= half / n
        total += term
    return min(total, 1.0)
