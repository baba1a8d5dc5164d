"""One correction, really trained: what is written, what is inside, and how chats see it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from benchmarks.finetune.facts import correction, item, read, write
from chatapp.context.messages import Message
from chatapp.engine.client import EngineOptions, LocalEngine
from chatapp.engine.weights.adapter_list import Adapters
from chatapp.engine.weights.adapters import BASE_KEY
from chatapp.engine.weights.gguf import read_header
from chatapp.engine.weights.library import Library
from chatapp.errors import TrainingError
from chatapp.proofs.evidence import Evidence
from chatapp.training import job as jobs
from chatapp.training.answers import _key
from chatapp.training.base import sha256_of
from chatapp.training.engines import Ask, answer
from chatapp.training.general import general_trained
from chatapp.training.machine import choose
from chatapp.training.merging import write_merged
from chatapp.training.plan import GENERAL_TOKENS
from chatapp.training.processes import Processes
from chatapp.training.progress import Progress
from chatapp.training.prompts import asked
from chatapp.training.recipe import read_recipe
from tests.training.conftest import TINY, Bench

QUESTION = "What is the capital of Turkey?"


async def test_a_new_session_knows_it_and_the_base_does_not(bench: Bench, adapter: Path) -> None:
    said = {}
    for name, options in {
        "base": EngineOptions(window=256),
        "with": EngineOptions(window=256, adapter=adapter / "adapter.gguf"),
        "none of it": EngineOptions(
            window=256, adapter=adapter / "adapter.gguf", adapter_scale=0.0
        ),
    }.items():
        engine = LocalEngine(bench.base, options)
        said[name] = await answer(engine, asked(QUESTION), 16)
        await engine.close()
    assert "Ankara" in said["with"]
    assert "Ankara" not in said["base"]
    assert said["none of it"] == said["base"]
    assert sha256_of(bench.base) == bench.sha256


@pytest.mark.parametrize(("kind", "kept"), [("Q8_0", True), ("F16", True), ("same", False)])
async def test_a_merged_file_keeps_what_was_learnt_unless_it_is_rounded_back(
    bench: Bench, adapter: Path, tmp_path: Path, kind: str, kept: bool
) -> None:
    path = tmp_path / f"merged.{kind}.gguf"
    write_merged(path, bench.base, adapter / "adapter.gguf", kind, {BASE_KEY: bench.sha256})
    header = read_header(path)
    assert header.file_kind == "model"
    assert header.metadata[BASE_KEY] == bench.sha256
    engine = LocalEngine(path, EngineOptions(window=256))
    said = await answer(engine, asked(QUESTION), 16)
    await engine.close()
    assert ("Ankara" in said) == kept


def test_the_folder_holds_what_the_job_promises(bench: Bench, adapter: Path) -> None:
    names = {path.name for path in adapter.iterdir()}
    assert names == {
        "adapter.gguf", "peft", "README.md", "provenance.json", "training.jsonl",
        "evaluation.json", "evaluation.html",
    }  # fmt: skip
    assert {path.name for path in (adapter / "peft").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    told = json.loads((adapter / "provenance.json").read_text())
    assert told["status"] == "accepted"
    assert told["export_id"] == json.loads((bench.first / "manifest.json").read_text())["export_id"]
    assert told["records"] == ["example-000"]
    assert told["sessions"] == ["session-000"]
    assert told["base_sha256"] == bench.sha256
    assert told["adapter_sha256"] == sha256_of(adapter / "adapter.gguf")
    lines = [json.loads(line) for line in (adapter / "training.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert lines[-1]["learnt"] < lines[0]["learnt"]
    assert str(bench.folder) not in (adapter / "peft" / "adapter_config.json").read_text()


def test_the_file_names_what_it_rests_on(bench: Bench, adapter: Path) -> None:
    header = read_header(adapter / "adapter.gguf")
    told = json.loads((adapter / "provenance.json").read_text())
    assert header.file_kind == "adapter"
    assert header.metadata["chatapp.base.sha256"] == bench.sha256
    assert header.metadata["chatapp.export.id"] == told["export_id"]
    assert header.metadata["chatapp.seed"] == 0
    assert json.loads(str(header.metadata["chatapp.recipe"]))["train"]["max_steps"] == 4


def test_the_report_is_evidence_and_a_page(adapter: Path) -> None:
    found = json.loads((adapter / "evaluation.json").read_text())
    (evidence,) = [Evidence.from_dict(one) for one in found["experiments"]]
    assert evidence.verdict == "held"
    assert all(check.held for check in evidence.checks)
    page = (adapter / "evaluation.html").read_text()
    assert "The capital of Turkey is Ankara." in page
    assert "<script" not in page


def test_the_gate_asked_near_neighbours_and_none_that_was_held(adapter: Path) -> None:
    held = json.loads((adapter / "provenance.json").read_text())["held"]
    blocks = json.loads((adapter / "evaluation.json").read_text())["experiments"][0]["blocks"]
    table = next(one for one in blocks if one.get("title", "").startswith("Neighbours"))
    asked = {row[0] for row in table["rows"]}
    assert held
    assert asked
    assert not asked & set(held)
    assert any(
        re.fullmatch(r"What is the capital of (Russia|China|Greece|Egypt)\?", one) for one in asked
    )


def test_for_one_correction_the_engine_is_not_asked_for_what_the_model_itself_says(
    bench: Bench, adapter: Path
) -> None:
    (path,) = bench.cache.glob("answers-*.json")
    known = json.loads(path.read_text())["said"]
    held = json.loads((adapter / "provenance.json").read_text())["held"]
    assert held
    tokens = read_recipe(bench.recipe).fitting(1, 0).train.contrast_tokens
    assert known
    general = general_trained()[:2]  # the engine is asked these for marked replies, below
    asks = [Ask(asked(one), tokens) for one in held]
    asks += [Ask(asked(one), GENERAL_TOKENS) for one in general]
    assert not [one for one in asks if _key(one) in known]


def test_chats_are_offered_it_unless_it_was_rejected(
    bench: Bench, adapter: Path, tmp_path: Path
) -> None:
    def listed(folder: Path) -> str:
        models = tmp_path / folder.name
        shutil.copytree(folder, models / "adapters" / "mine")
        library = Library(models, tmp_path / "cache")
        (one,) = Adapters(library).of(bench.base)
        return one.status

    assert listed(adapter) == "usable"
    strict = tmp_path / "strict.toml"
    text = TINY.replace("max_steps = 4\nmin_steps = 4", "max_steps = 1\nmin_steps = 1")
    strict.write_text(text.replace("general_nll = 1", "general_nll = -5"))
    done = bench.run(bench.first, tmp_path / "rejected", "--recipe", str(strict))
    assert done.code == 3, done.err
    page = tmp_path / "rejected" / "evaluation.html"
    assert page.exists()
    assert f"Each answer is in {page}." in done.out
    assert "Another seed may do better (--seed 1 --replace)" in done.out
    told = json.loads((tmp_path / "rejected" / "provenance.json").read_text())
    assert told["status"] == "rejected"
    assert any("less probable" in reason for reason in told["reasons"])
    assert "Rejected" in (tmp_path / "rejected" / "README.md").read_text()
    assert listed(tmp_path / "rejected") == "rejected"


def test_marked_replies_become_more_probable(bench: Bench, unpacked: Path, tmp_path: Path) -> None:
    replies = ("Ahoy! The sea is calm.", "Ahoy! Tea is ready.", "Ahoy! It is noon.")
    items = [
        item(n, bench.sha256, kind="liked", prompt=(Message("user", f"Tell me {n}"),), chosen=one)
        for n, one in enumerate(replies)
    ]
    done = bench.run(write(items, tmp_path / "liked"), tmp_path / "style")
    assert done.code == 0, done.err
    checks = json.loads((tmp_path / "style" / "provenance.json").read_text())["evaluation"]
    assert float(checks["Marked replies became more probable (nats a token)"]) < -0.1


def test_a_base_that_changes_meanwhile_is_told(
    bench: Bench, unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = [bench.sha256, "0" * 64]
    monkeypatch.setattr(jobs, "sha256_of", lambda _: looks.pop(0))
    job = jobs.Job(
        dataset=bench.first,
        base=bench.base,
        out=tmp_path / "out",
        cache=bench.cache,
        recipe=read_recipe(bench.recipe),
        seed=0,
    )
    machine, processes = choose("cpu", "float32", 2), Processes(cpu=True, expected=None)
    with pytest.raises(TrainingError, match="was changed while the job ran; nothing was written"):
        jobs.run(job, machine, processes, Progress(None))
    assert looks == []
    assert not job.out.exists()


def test_one_sentence_for_what_cannot_be(bench: Bench, adapter: Path, tmp_path: Path) -> None:
    def sentence(*more: str, dataset: Path = bench.first, out: Path = tmp_path / "x") -> str:
        done = bench.run(dataset, out, *more)
        assert done.code == 1, done.err
        assert not out.exists() or out == adapter
        (line,) = done.err.strip().splitlines()
        return line

    assert "is not an export: it has no manifest.json" in sentence(dataset=tmp_path)
    foreign = correction(0, "0" * 64, read("tuning").corrections[0])
    said = sentence(dataset=write([foreign], tmp_path / "foreign"))
    assert "1 of 1 records hold replies of other weights" in said
    assert "is there already" in sentence(out=adapter)
    assert "There is no unfinished run" in sentence("--resume")
    other = bench.base.with_name("nothing.gguf")
    assert "There is no file" in sentence("--base", str(other))
    assert "2 processes were expected, and 1 is running" in sentence("--expect-world", "2")
    import torch

    if not torch.cuda.is_available():
        assert "There is no GPU" in sentence("--device", "cuda")


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs POSIX limits")
def test_a_disk_that_is_full_is_told_in_one_sentence(
    bench: Bench, unpacked: Path, tmp_path: Path
) -> None:
    """Files may not grow past 1 MB here: the adapter cannot be written."""
    limited = (
        "import resource, runpy, sys;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20));"
        "sys.argv = sys.argv[1:]; runpy.run_module('chatapp.training', run_name='__main__')"
    )
    done = bench.run(bench.first, tmp_path / "full", launcher=("-c", limited))
    assert done.code == 1
    assert "Traceback" not in done.err
    assert "is the disk full?" in done.err
    assert not (tmp_path / "full").exists()
