"""The split: by session, the same every time, and unmoved by what is added."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from chatapp.archive.exporting import Split, export, load, verify
from tests.archive.export_samples import example, in_order, item, many

SESSIONS = st.lists(st.text(max_size=20), min_size=1, max_size=40)
FRACTIONS = st.floats(0, 0.99)


@settings(max_examples=40, deadline=None)
@given(SESSIONS, SESSIONS, FRACTIONS, st.integers(0, 5))
def test_no_session_is_split_and_none_moves_when_records_are_added(
    sessions: list[str], added: list[str], fraction: float, seed: int
) -> None:
    split = Split(seed=seed, fraction=fraction)
    made = [
        example(number % 4, id=f"{number:03}", session=f"s{session}")
        for number, session in enumerate([*sessions, *added])
    ]
    with tempfile.TemporaryDirectory() as folder:
        places = []
        for name, part in (("few", made[: len(sessions)]), ("all", made)):
            target = Path(folder, name)
            manifest = export(in_order(part), target, split=split).manifest
            found: dict[str, set[str]] = {}
            for row in load(target):
                found.setdefault(row["session"], set()).add(row["split"])
            assert found.keys() == {each.session for each in part}
            assert all(len(splits) == 1 for splits in found.values())
            assert verify(target).problems == []
            places.append((found, manifest["split"]["everything_in_train"]))
        (few, few_moved), (every, all_moved) = places
        if not few_moved and not all_moved:
            assert all(every[session] == splits for session, splits in few.items())


def test_the_fraction_is_kept_and_the_seed_decides_which() -> None:
    sessions = [f"session-{number}" for number in range(4000)]
    chosen = [
        {each for each in sessions if Split(seed, fraction=0.1).of(each) == "validation"}
        for seed in (0, 1)
    ]
    assert all(330 < len(each) < 470 for each in chosen)
    assert len(chosen[0] & chosen[1]) < 80
    assert not [each for each in sessions if Split(fraction=0).of(each) == "validation"]


def test_a_single_session_goes_to_train_and_the_manifest_says_so(tmp_path: Path) -> None:
    split = Split(fraction=0.5)
    session = next(name for name in "abcdefgh" if split.of(name) == "validation")
    given_ = [item(example(number, session=session)) for number in range(3)]
    manifest = export(given_, tmp_path / "out", split=split, shard_bytes=1).manifest
    assert manifest["split"] == {"seed": 0, "fraction": 0.5, "everything_in_train": True}
    assert manifest["counts"]["splits"] == {"train": 3, "validation": 0}
    assert {row["split"] for row in load(tmp_path / "out")} == {"train"}
    records = [json.loads(line) for line in (tmp_path / "out/records.jsonl").open("rb")]
    assert {record["split"] for record in records} == {"train"}
    assert not list((tmp_path / "out").glob("validation*"))
    assert "all of them were put there" in (tmp_path / "out/README.md").read_text("utf-8")
    assert verify(tmp_path / "out").problems == []


def test_both_splits_are_there_when_there_are_sessions_enough(tmp_path: Path) -> None:
    counts = export(many(400), tmp_path / "out").manifest["counts"]["splits"]
    assert counts["train"] + counts["validation"] == 400
    assert 12 <= counts["validation"] <= 80
    assert (tmp_path / "out" / "validation.jsonl").exists()
