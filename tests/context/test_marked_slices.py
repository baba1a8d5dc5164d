"""Many slices of marked text in one pass are what one slice after the other would be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatapp.context.marked import Marked

RUNS = st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 4)), max_size=8)


@given(RUNS, st.lists(st.integers(0, 32), max_size=8))
def test_slices_in_one_pass(runs: list[tuple[int, int]], cuts: list[int]) -> None:
    length = sum(size for _, size in runs)
    text = Marked("abcdefghijklmnopqrstuvwxyzABCDEF"[:length], runs)
    cuts = sorted(min(cut, length) for cut in cuts)
    bounds = list(zip(cuts[::2], cuts[1::2], strict=False))
    found = list(text.slices(bounds))
    expected = [text[start:end] for start, end in bounds]
    assert found == expected
    assert [part.runs for part in found] == [part.runs for part in expected]
