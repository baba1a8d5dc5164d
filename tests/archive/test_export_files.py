"""What an export folder holds, and that it follows from the items alone."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from chatapp.archive.exporting import FORMATS, Split, export, load, verify
from chatapp.archive.records import sha256_of
from chatapp.errors import ExportError
from tests.archive.export_samples import AT, REVIEW, bytes_of, consent, example, item, items, many


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
@pytest.mark.parametrize("name", FORMATS)
def test_same_items_give_same_bytes(tmp_path: Path, name: str, container: str) -> None:
    if container == "parquet" and not FORMATS[name].sharded:
        with pytest.raises(ExportError, match="JSONL alone"):
            export(items(), tmp_path / "a", format=name, container=container)
        return
    for folder, at in (("a", AT), ("b", "2030-01-01T00:00:00.000Z")):
        export(items(), tmp_path / folder, format=name, container=container, at=at, shard_bytes=900)
    first, second = bytes_of(tmp_path / "a"), bytes_of(tmp_path / "b")
    manifests = [json.loads(each.pop("manifest.json")) for each in (first, second)]
    assert first == second
    assert [each.pop("created") for each in manifests] == [AT, "2030-01-01T00:00:00.000Z"]
    assert manifests[0] == manifests[1]
    assert verify(tmp_path / "a").problems == []


def test_export_id_is_that_of_everything_but_the_time(tmp_path: Path) -> None:
    export(items(), tmp_path / "a", at=AT)
    export(items(23), tmp_path / "b", at=AT)
    ids = []
    for folder in "ab":
        manifest = json.loads((tmp_path / folder / "manifest.json").read_text("utf-8"))
        ids.append(manifest.pop("export_id"))
        del manifest["created"]
        assert ids[-1] == sha256_of(manifest)
    assert ids[0] != ids[1]


def test_canonical_rows_hold_the_whole_record(tmp_path: Path) -> None:
    given = items()
    export(given, tmp_path / "out", split=Split(fraction=0))
    rows = list(load(tmp_path / "out"))
    assert [row["id"] for row in rows] == [made.id for made, _, _ in given]
    for row, (made, content, _) in zip(rows, given, strict=True):
        assert row["split"] == "train"
        assert {key: row[key] for key in content} == content
        assert (row["session"], row["turn"], row["created"]) == (
            made.session,
            made.turn,
            made.created,
        )
        assert row["weights"]["sha256"] == made.weights.sha256
        assert row["weights"]["adapter_sha256"] == made.weights.adapter_sha256
        assert row["consent"] == {
            "entry": 7,
            "at": "2026-11-25T09:00:00.000Z",
            "version": "2026-11",
        }


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_load_reads_both_containers_alike(tmp_path: Path, container: str) -> None:
    export(items(), tmp_path / container, container=container, shard_bytes=2000)
    export(items(), tmp_path / "plain")
    assert list(load(tmp_path / container)) == list(load(tmp_path / "plain"))


def test_load_reads_canonical_records_alone(tmp_path: Path) -> None:
    export(items(), tmp_path / "out", format="trl-sft")
    with pytest.raises(ExportError, match="trl-sft, not canonical"):
        list(load(tmp_path / "out"))
    with pytest.raises(ExportError, match="is not an export"):
        list(load(tmp_path))


def test_what_is_exported_is_what_was_reviewed(tmp_path: Path) -> None:
    made = example(0)
    content = made.content() | {"chosen": "The capital of [place] is Ankara."}
    export([(made, content, {**REVIEW, "decision": "edited"})], tmp_path / "out")
    (row,) = load(tmp_path / "out")
    assert row["chosen"] == "The capital of [place] is Ankara."
    record = json.loads((tmp_path / "out" / "records.jsonl").read_text("utf-8"))
    assert record["content_sha256"] == sha256_of(content) != made.sha256
    assert record["review"]["decision"] == "edited"


def test_manifest_counts_what_is_there_and_what_is_not(tmp_path: Path) -> None:
    made = example(0, session="s")
    given = [
        item(replace(made, id="a")),
        item(replace(made, id="b", consent=None)),
        item(replace(made, id="c", consent=consent("s", "kept"))),
        item(replace(made, id="d", consent=consent("another"))),
        item(replace(made, id="e"), None),
        item(replace(made, id="f"), {**REVIEW, "decision": "skipped"}),
        item(replace(made, id="g", kind="disliked", chosen=None)),
        item(replace(made, id="h", prompt=())),
    ]
    exported = export(given, tmp_path / "out", format="trl-preference", at=AT)
    counts = exported.manifest["counts"]
    assert (exported.rows, counts["kinds"], counts["splits"], counts["unreviewed"]) == (
        1,
        {"correction": 1},
        {"train": 1, "validation": 0},
        0,
    )
    assert exported.left_out == {
        "no consent to training": 3,
        "not reviewed": 1,
        "not approved in review": 1,
        "no right answer to train on": 1,
        "the context does not end with a question": 1,
    }
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "- 3: no consent to training" in card
    unreviewed = export(given, tmp_path / "all", format="trl-preference", unreviewed=True)
    assert unreviewed.manifest["counts"]["unreviewed"] == 1
    assert "not approved in review" in unreviewed.left_out
    assert "1 examples were exported without a review." in (tmp_path / "all/README.md").read_text()


def test_manifest_names_consents_redactors_and_sources(tmp_path: Path) -> None:
    manifest = export(items(), tmp_path / "out", at=AT).manifest
    assert manifest["consents"] == [
        {
            "version": "2026-11",
            "wording": "What is said here may be exported\nand trained on.",
            "records": 24,
        }
    ]
    assert manifest["redactors"] == {"3": 24}
    assert {each["adapter"]: each["records"] for each in manifest["sources"]} == {
        None: 19,
        "capitals": 5,
    }


def test_two_wordings_of_one_consent_are_refused(tmp_path: Path) -> None:
    other = example(1, session="s")
    other = replace(other, consent=replace(consent("s"), wording="Something else."))
    with pytest.raises(ExportError, match="two wordings"):
        export([item(example(0)), item(other)], tmp_path / "out")


def test_large_sets_come_in_shards_in_the_order_of_the_rows(tmp_path: Path) -> None:
    manifest = export(many(100), tmp_path / "out", shard_bytes=10_000).manifest
    names = [file["name"] for file in manifest["files"] if file["role"] == "train"]
    assert names[0] == f"train-00000-of-{len(names):05}.jsonl"
    assert len(names) > 3
    sizes = [file["bytes"] for file in manifest["files"] if file["role"] == "train"]
    assert all(10_000 <= size < 12_000 for size in sizes[:-1])
    ids = [row["id"] for row in load(tmp_path / "out") if row["split"] == "train"]
    assert ids == sorted(ids)
    assert verify(tmp_path / "out").ok


def test_mlx_lm_folder_has_the_names_that_mlx_lm_reads(tmp_path: Path) -> None:
    export(items(), tmp_path / "out", format="mlx-lm", split=Split(fraction=0.5), shard_bytes=10)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("train.jsonl", "valid.jsonl", "records.jsonl", "manifest.json", "README.md")
    }


def test_files_are_private(tmp_path: Path) -> None:
    export(items(), tmp_path / "out")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700


def test_nothing_to_export_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no example was given"):
        export([], tmp_path / "out")
    with pytest.raises(ExportError, match="Left out: 1 × not reviewed"):
        export([item(example(0), None)], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_items_out_of_order_or_twice_are_refused(tmp_path: Path) -> None:
    first, second = items(2)
    for given in ([second, first], [first, first]):
        with pytest.raises(ExportError, match="out of order, or twice"):
            export(given, tmp_path / "out")


@pytest.mark.parametrize(
    "change",
    [
        {"chosen": 3},
        {"kind": "liked"},
        {"extra": ""},
        {"prompt": [{"role": "tool", "content": ""}]},
        {"prompt": [{"role": "user", "content": "", "weight": 1}]},
        {"prompt": [{"content": ""}]},
    ],
)
def test_content_of_another_shape_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    made = example(0)
    with pytest.raises(ExportError, match="not of the expected shape"):
        export([(made, made.content() | change, REVIEW)], tmp_path / "out")


def test_half_a_character_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"example-00000.* holds half a character"):
        export([item(example(0, chosen="\ud83c"))], tmp_path / "out")


def test_every_line_is_one_line_for_every_reader(tmp_path: Path) -> None:
    export(items(), tmp_path / "out", split=Split(fraction=0))
    text = (tmp_path / "out" / "train.jsonl").read_text("utf-8")
    assert len(text.splitlines()) == 24
    assert "\\u2028" in text
    assert "🏔" in text


def test_unknown_formats_and_containers_are_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="There are: canonical, trl-sft"):
        export(items(), tmp_path / "out", format="csv")
    with pytest.raises(ExportError, match="jsonl or parquet"):
        export(items(), tmp_path / "out", container="csv")
    with pytest.raises(ExportError, match="less than 1"):
        Split(fraction=1)


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    export(many(2500), tmp_path / "out", total=2500, progress=lambda *each: told.append(each))
    assert told == [(1000, 2500), (2000, 2500), (2500, 2500)]


def test_parquet_without_its_package_is_said_before_anything_is_written(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from pathlib import Path\n"
        "from chatapp.archive.exporting import export\n"
        "export([], Path(sys.argv[1]), container='parquet')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out")], capture_output=True, text=True
    )
    assert "ExportError: Parquet needs the package pyarrow" in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_writing_and_checking_jsonl_loads_nothing_heavy() -> None:
    code = (
        "import sys, chatapp.archive.exporting\n"
        "print({'pyarrow', 'datasets', 'numpy', 'sqlite3', 'jinja2'} & set(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ
    )
    assert ran.stdout.strip() == "set()"


def test_hashes_are_those_of_the_shared_canonical_json(tmp_path: Path) -> None:
    given = items()
    export(given, tmp_path / "out")
    records = [json.loads(line) for line in (tmp_path / "out/records.jsonl").open("rb")]
    assert [each["content_sha256"] for each in records] == [
        sha256_of(content) for _, content, _ in given
    ]
