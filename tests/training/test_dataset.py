"""Reading an export: what is whole is read, and everything else gets one sentence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.finetune.facts import correction, item, read, write
from chatapp.context.messages import Message
from chatapp.errors import TrainingError
from chatapp.training import dataset
from chatapp.training.dataset import WITHDRAWN, check_source, read_export
from tests.training.conftest import Bench


def test_a_whole_export_is_read(bench: Bench) -> None:
    export = read_export(bench.first)
    (record,) = export.records
    assert export.id == json.loads((bench.first / "manifest.json").read_text())["export_id"]
    assert record.question == "What is the capital of Turkey?"
    assert (record.right, record.wrong) == ("Ankara", "Istanbul")
    assert record.chosen == "The capital of Turkey is Ankara."
    assert record.is_correction
    check_source(export, bench.sha256, "base")


def test_what_was_marked_bad_is_counted_and_liked_replies_are_no_corrections(
    bench: Bench, tmp_path: Path
) -> None:
    prompt = (Message("user", "Say hello."),)
    items = [
        item(0, bench.sha256, kind="liked", prompt=prompt, chosen="Hello, friend."),
        item(1, bench.sha256, kind="disliked", prompt=prompt, rejected="No."),
    ]
    export = read_export(write(items, tmp_path / "marked"))
    assert [record.kind for record in export.styles] == ["liked"]
    assert export.corrections == []
    assert export.left_out == {"marked bad, without a right answer": 1}


def test_replies_of_other_weights_are_refused(bench: Bench, tmp_path: Path) -> None:
    known = read("tuning").corrections[0]
    for sha256, says in (("0" * 64, "other weights"), (None, "unknown weights")):
        export = read_export(write([correction(0, sha256, known)], tmp_path / says))
        with pytest.raises(TrainingError, match=f"1 of 1 records hold replies of {says}"):
            check_source(export, bench.sha256, "base")


def _row(folder: Path) -> None:
    path = folder / "train.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Ankara", b"Madrid"))


def _manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"records": 1', '"records": 2'))


def _cut(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text()[:100])


def _lost(folder: Path) -> None:
    (folder / "train.jsonl").unlink()


def _withdrawn(folder: Path) -> None:
    (folder / WITHDRAWN).write_text('["session-000"]')


def _foreign(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"schema": "another/1"}')


def _gone(folder: Path) -> None:
    (folder / "manifest.json").unlink()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_row, "was changed: its SHA-256 is not the manifest's"),
        (_manifest, "was changed: its export id"),
        (_cut, "is damaged: it is not JSON"),
        (_lost, "train.jsonl is missing"),
        (_withdrawn, "consent for its session was withdrawn"),
        (_foreign, "is not a manifest that this version reads"),
        (_gone, "is not an export: it has no manifest.json"),
    ],
)
def test_damage_is_named(
    spoilt: Callable[[], Path], damage: Callable[[Path], None], sentence: str
) -> None:
    folder = spoilt()
    damage(folder)
    with pytest.raises(TrainingError, match=sentence):
        read_export(folder)


def _rewrite(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the record and make every hash fit again, as somebody who cheats would."""
    path = folder / "records.jsonl"
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record) + "\n")
    manifest = json.loads((folder / "manifest.json").read_text())
    for entry in manifest["files"]:
        data = (folder / entry["name"]).read_bytes()
        entry |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    _seal(folder, manifest)


def _seal(folder: Path, manifest: dict[str, Any]) -> None:
    """Write a manifest whose id fits."""
    rest = {k: v for k, v in manifest.items() if k not in ("export_id", "created")}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    manifest["export_id"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda r: r.update(consent=None), "names no consent to training"),
        (lambda r: r["consent"].update(version="9"), "names no consent to training"),
        (lambda r: r["consent"].update(entry=77), "names another consent than its row"),
        (lambda r: r.update(row_sha256="0" * 64), "has another row"),
        (lambda r: r.update(content_sha256="0" * 64), "a content with another hash"),
        (lambda r: r.pop("session"), "not an export of the described form"),
    ],
)
def test_a_record_must_rest_on_consent_and_be_what_was_exported(
    spoilt: Callable[[], Path], change: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    folder = spoilt()
    _rewrite(folder, change)
    with pytest.raises(TrainingError, match=sentence):
        read_export(folder)


def test_other_formats_and_empty_folders(bench: Bench, tmp_path: Path) -> None:
    known = correction(0, bench.sha256, read("tuning").corrections[0])
    with pytest.raises(TrainingError, match="reads canonical records in JSONL"):
        read_export(write([known], tmp_path / "sft", format="trl-sft"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match="is not an export"):
        read_export(tmp_path / "empty")
    with pytest.raises(TrainingError, match="There is no folder"):
        read_export(tmp_path / "nowhere")
    bad = item(0, bench.sha256, kind="disliked", prompt=(Message("user", "Hi"),), rejected="No.")
    with pytest.raises(TrainingError, match="nothing to train on"):
        read_export(write([bad], tmp_path / "bad"))


def test_a_record_with_tools_is_refused(bench: Bench) -> None:
    """No export holds one; a folder that was put together elsewhere could."""
    row = json.loads((bench.first / "train.jsonl").read_text().splitlines()[0])
    record = json.loads((bench.first / "records.jsonl").read_text().splitlines()[0])
    dataset._record(row, record, "It")
    row["prompt"] = [{"role": "tools", "content": "[]"}, *row["prompt"]]
    content = {part: row[part] for part in dataset._CONTENT}
    record["content_sha256"] = dataset._sha256_of(content)
    with pytest.raises(TrainingError, match="holds tools"):
        dataset._record(row, record, "It")


def test_an_export_without_records(spoilt: Callable[[], Path]) -> None:
    folder = spoilt()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["counts"]["records"] = 0
    _seal(folder, manifest)
    with pytest.raises(TrainingError, match="is empty: its manifest counts no records"):
        read_export(folder)
