"""Figures about chatapp, as ratios of things measured side by side in one run.

``make bench`` (or ``python -m benchmarks [NAME…]``) runs them; they are never part of the tests.
Absolute times differ from machine to machine and from minute to minute, so a comparison always
alternates (A B A B …) and reports the median of the pairs' ratios with the smallest and largest.
"""
