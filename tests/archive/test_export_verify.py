"""`verify` finds each kind of change, and survives any folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatapp.archive.exporting import Split, export, verify
from chatapp.archive.exporting.lines import line_of
from chatapp.archive.exporting.manifest import export_id
from chatapp.archive.exporting.shards import described
from tests.archive.export_samples import AT, example, item, items, many

SPLIT = Split(fraction=0.4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return export(items(), tmp_path / "out", split=SPLIT, at=AT).folder


def manifest_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "manifest.json").read_text("utf-8")))


def forge(folder: Path, change: Callable[[dict[str, Any]], object] = lambda _: None) -> None:
    """Make the manifest fit the files again, and change it: hashes alone find nothing then."""
    manifest = manifest_of(folder)
    for entry in manifest["files"]:
        seen = described(folder / entry["name"], "")
        entry |= {"sha256": seen.sha256, "bytes": seen.bytes}
    change(manifest)
    manifest["export_id"] = export_id(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def edit_lines(path: Path, change: Callable[[list[Any]], object]) -> None:
    """Change the values of a JSONL file."""
    values = [json.loads(line) for line in path.open("rb")]
    change(values)
    path.write_bytes(b"".join(line_of(each) + b"\n" for each in values))


def found(folder: Path) -> str:
    verified = verify(folder)
    assert not verified.ok
    return "\n".join(verified.problems)


def test_an_untouched_export_is_in_order(folder: Path) -> None:
    verified = verify(folder)
    assert (verified.ok, verified.problems, verified.rows, verified.files) == (True, [], 24, 4)
    forge(folder)
    assert verify(folder).ok


@pytest.mark.parametrize("name", ["train.jsonl", "validation.jsonl", "records.jsonl", "README.md"])
def test_a_changed_byte(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    assert f"{name} was changed: its SHA-256 is not the manifest's." in found(folder)


@pytest.mark.parametrize("name", ["train.jsonl", "records.jsonl", "README.md", "manifest.json"])
def test_a_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert name in found(folder)


def test_a_file_that_was_added(folder: Path) -> None:
    shutil.copy(folder / "train.jsonl", folder / "train-2.jsonl")
    assert found(folder) == "train-2.jsonl is not named in manifest.json."
    (folder / "train-2.jsonl").unlink()
    (folder / ".DS_Store").write_text("")
    assert verify(folder).ok


def test_a_file_elsewhere_in_its_place(folder: Path, tmp_path: Path) -> None:
    (folder / "train.jsonl").rename(tmp_path / "elsewhere")
    (folder / "train.jsonl").symlink_to(tmp_path / "elsewhere")
    assert "train.jsonl is missing." in found(folder)


def test_a_changed_manifest(folder: Path) -> None:
    manifest = manifest_of(folder)
    manifest["consents"][0]["wording"] = "Anything goes."
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert "its export id is not that of its content" in found(folder)
    manifest = manifest_of(folder)
    manifest["created"] = "2031-01-01T00:00:00.000Z"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert len(verify(folder).problems) == 1


def test_a_changed_row_behind_a_forged_manifest(folder: Path) -> None:
    edit_lines(folder / "train.jsonl", lambda rows: rows[2].update(chosen="Something else."))
    forge(folder)
    problems = found(folder)
    assert "its row in train.jsonl is not the one that was exported" in problems
    assert "its row in train.jsonl has a content with another hash" in problems


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
@pytest.mark.parametrize("name", ["trl-sft", "openai-sft", "axolotl-preference"])
def test_rows_that_lost_information_are_checked_as_well(
    tmp_path: Path, name: str, container: str
) -> None:
    """Two exports of other words, the rows of one under the records of the other."""
    changed = [item(example(n, chosen="Else.", rejected="Other.")) for n in range(24)]
    for folder, given_ in (("out", items()), ("other", changed)):
        export(given_, tmp_path / folder, format=name, container=container, split=SPLIT)
    assert verify(tmp_path / "out").ok
    (train,) = (tmp_path / "other").glob("train.*")
    shutil.copy(train, tmp_path / "out" / train.name)
    forge(tmp_path / "out")
    assert f"its row in {train.name} is not the one that was exported" in found(tmp_path / "out")


def test_a_row_of_another_form(folder: Path) -> None:
    edit_lines(folder / "train.jsonl", lambda rows: rows[0].update(turn="one"))
    forge(folder)
    assert "its row in train.jsonl is not a row of canonical" in found(folder)


def test_rows_that_are_gone_or_too_many(folder: Path) -> None:
    edit_lines(folder / "train.jsonl", lambda rows: rows.pop())
    forge(folder)
    assert "has no row in train" in found(folder)
    edit_lines(folder / "validation.jsonl", lambda rows: rows.append(rows[-1]))
    forge(folder)
    problems = found(folder)
    assert "validation holds 1 rows without a record." in problems
    assert "rows; the manifest says" in problems


RECORDS: list[tuple[Callable[[Any], object], str]] = [
    (lambda each: each.update(consent=None), "names no consent"),
    (lambda each: each["consent"].update(at=""), "names no consent"),
    (lambda each: each["consent"].update(version="x"), "whose wording the manifest lacks"),
    (lambda each: each["consent"].update(entry=8), "names another consent"),
    (lambda each: each["review"].update(decision="skipped"), "was not approved in its review"),
    (lambda each: each.update(review=None), "without a review are not as many"),
    (lambda each: each["review"].update(redactor="9"), "records' redactors are not those"),
    (lambda each: each.update(id="example-00003b"), "has another id"),
    (lambda each: each.update(session="s"), "has another session"),
    (lambda each: each.update(kind="liked"), "records' kinds are not those"),
    (lambda each: each["weights"].update(sha256=None), "records' sources are not those"),
    (lambda each: each.update(content_sha256="0" * 64), "has a content with another hash"),
    (lambda each: each.update(row_sha256="0" * 64), "is not the one that was exported"),
    (lambda each: each.update(created="2020"), "is out of order, or there twice"),
    (lambda each: each.update(split="test"), "is not of the described form"),
    (lambda each: each.pop("turn"), "is not of the described form"),
    (lambda each: each.clear(), "is not of the described form"),
]


@pytest.mark.parametrize(("change", "problem"), RECORDS)
def test_a_changed_record_behind_a_forged_manifest(
    folder: Path, change: Callable[[Any], object], problem: str
) -> None:
    edit_lines(folder / "records.jsonl", lambda records: change(records[3]))
    forge(folder)
    assert problem in found(folder)


def test_a_record_twice(folder: Path) -> None:
    edit_lines(folder / "records.jsonl", lambda records: records.insert(4, records[3]))
    forge(folder)
    assert "is out of order, or there twice" in found(folder)


def test_a_session_in_both_splits(folder: Path) -> None:
    """Its last row is moved to the other split, and everything made to fit."""
    moved: list[Any] = []

    def take(records: list[Any]) -> None:
        last = [each for each in records if each["split"] == "train"][-1]
        last["split"] = "validation"
        moved.append(last["id"])

    edit_lines(folder / "records.jsonl", take)
    rows: list[Any] = []
    edit_lines(folder / "train.jsonl", lambda each: rows.append(each.pop()))
    edit_lines(
        folder / "validation.jsonl",
        lambda each: (each.extend(rows), each.sort(key=lambda row: row["id"])),
    )

    def recount(manifest: dict[str, Any]) -> None:
        counts = manifest["counts"]["splits"]
        counts["train"], counts["validation"] = counts["train"] - 1, counts["validation"] + 1
        for entry in manifest["files"]:
            if entry["role"] in counts:
                entry["rows"] = counts[entry["role"]]

    forge(folder, recount)
    (problem,) = verify(folder).problems
    assert moved[0] in problem
    assert "is in validation; its session belongs in train" in problem


COUNTS: list[tuple[Callable[[Any], object], str]] = [
    (lambda each: each["counts"].update(records=25), "not as many records"),
    (lambda each: each["counts"]["kinds"].update(liked=0), "records' kinds"),
    (lambda each: each["counts"]["splits"].update(train=0), "records' splits"),
    (lambda each: each["consents"][0].update(records=1), "records' consents"),
    (lambda each: each["consents"][0].update(wording=""), "whose wording the manifest lacks"),
    (lambda each: each["sources"].pop(), "records' sources"),
    (lambda each: each["redactors"].clear(), "records' redactors"),
    (lambda each: each["files"][0].update(rows=1), "rows; the manifest says 1"),
    (lambda each: each["files"].append(each["files"][0]), "names train.jsonl twice"),
    (lambda each: each["split"].update(seed=99), "its session belongs in"),
    (lambda each: each["split"].update(everything_in_train=True), "not everything had to"),
    (lambda each: each.update(format="csv"), "There is no format 'csv'"),
    (lambda each: each.update(format="trl-sft"), "is not a row of trl-sft"),
    (lambda each: each.update(schema="other/1"), "not a manifest that this version reads"),
    (lambda each: each.update(split=[]), "lacks 'split'"),
    (lambda each: each["split"].clear(), "not of the described form"),
    (lambda each: each.pop("redactors"), "not of the described form"),
    (lambda each: each["files"][0].update(name="../x"), "names a file in a form"),
    (lambda each: each["files"][0].update(name=".."), "names a file in a form"),
    (lambda each: each["files"].append("x"), "names a file in a form"),
]


@pytest.mark.parametrize(("change", "problem"), COUNTS)
def test_a_manifest_that_does_not_fit_its_files(
    folder: Path, change: Callable[[Any], object], problem: str
) -> None:
    forge(folder, change)
    assert problem in found(folder)


def test_problems_are_told_up_to_a_number(folder: Path) -> None:
    edit_lines(folder / "records.jsonl", lambda records: [each.pop("id") for each in records] * 9)
    lines = (folder / "records.jsonl").read_bytes()
    (folder / "records.jsonl").write_bytes(lines * 4)
    verified = verify(folder)
    assert len(verified.problems) == 50
    assert verified.more_problems >= 40


def test_no_folder_at_all(tmp_path: Path) -> None:
    assert found(tmp_path / "nowhere").endswith("is not an export: manifest.json cannot be read.")
    (tmp_path / "manifest.json").write_text("[" * 100_000)
    assert found(tmp_path).endswith("is not JSON.")


def test_a_parquet_file_that_is_garbage(tmp_path: Path) -> None:
    folder = export(items(), tmp_path / "out", container="parquet").folder
    (folder / "train.parquet").write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")
    assert "train.parquet is not a readable Parquet file." in found(folder)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_value_in_any_place_is_a_sentence(folder: Path, data: st.DataObject) -> None:
    """Hostile folders: one value of the manifest or of a record is replaced by any other."""
    untouched = {path.name: path.read_bytes() for path in folder.iterdir()}
    name = data.draw(st.sampled_from(["manifest.json", "records.jsonl", "train.jsonl"]))
    lines = untouched[name].splitlines() if name.endswith("l") else [untouched[name]]
    number = data.draw(st.integers(0, len(lines) - 1))
    value = json.loads(lines[number])
    place: Any = value
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not (isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans())):
            break
        place = place[key]
    before, place[key] = place[key], data.draw(JSON)
    same = type(place[key]) is type(before) and place[key] == before
    lines[number] = json.dumps(value).encode()
    try:
        (folder / name).write_bytes(b"\n".join(lines) + b"\n")
        verified = verify(folder)
        if not same and not (name == "manifest.json" and key == "created"):
            assert verified.problems
        assert all(problem.endswith(".") and "\n" not in problem for problem in verified.problems)
        if same:
            return
        if name != "manifest.json" or place is not value:
            try:
                forge(folder)
            except (LookupError, TypeError, AttributeError, ValueError, OSError):
                return
            verify(folder)
    finally:
        (folder / "manifest.json").write_bytes(untouched["manifest.json"])
        (folder / name).write_bytes(untouched[name])


def test_progress_is_told(tmp_path: Path) -> None:
    export(many(2500), tmp_path / "out", format="trl-sft")
    told: list[tuple[int, int | None]] = []
    assert verify(tmp_path / "out", lambda *each: told.append(each)).ok
    assert told == [(1000, 2500), (2000, 2500)]
