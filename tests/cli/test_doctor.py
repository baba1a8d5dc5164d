"""``chatapp doctor``: what it finds when all is well, and when something is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatapp.cli import doctor_machine
from chatapp.engine import about, memory
from chatapp.engine.about import About
from chatapp.engine.client import LocalEngine
from chatapp.errors import EngineDied
from tests.cli.conftest import Run, Said
from tests.weights.maker import gguf

DEFAULT = "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    """llama.cpp answers at once."""
    monkeypatch.setattr(about, "ask", lambda: About("1.0", "CPU : AVX2 = 1 | ", False))


def found(said: Said) -> dict[str, dict[str, Any]]:
    document = json.loads(said.out)
    assert document["fine"] == (said.status == 0)
    return {finding["name"]: finding for finding in document["findings"]}


def states(said: Said, *names: str) -> list[str]:
    return [found(said)[name]["state"] for name in names]


def fits_80_columns(text: str, *, but: str = "") -> bool:
    return all(len(line) <= 80 for line in text.splitlines() if not but or but not in line)


def test_all_is_well(run: Run, default_model: Path) -> None:
    said = run("doctor", "--json", "-m", str(default_model), "--window", "256")
    assert said.status == 0
    findings = found(said)
    assert findings["runs"]["state"] == "fine"
    assert findings["repeatable"]["value"] is True
    assert findings["counting"]["value"] == "own"
    assert findings["catalogue"]["value"] == "verified"
    assert findings["SHA-256"]["value"].startswith("b179c952")
    assert findings["window"]["value"] == {"tokens": 256, "kv_type": "f16", "kv_bytes": 5_898_240}
    assert findings["weights in memory"]["value"] in ("read-only", "not told")
    assert findings["threads"]["value"] >= 1
    assert findings["llama-cpp-python"]["state"] == "fine"
    assert all(finding["value"] not in ("", None) for finding in findings.values())


def test_in_words_and_with_things_worth_knowing(run: Run, default_model: Path) -> None:
    said = run(
        *["doctor", "-m", str(default_model), "--window", "100000", "--kv-type", "q8_0"],
        *["--threads", "1", "--no-reuse"],
    )
    assert said.status == 0
    assert fits_80_columns(said.out, but="/")
    assert "trained with a window of 8,192" in " ".join(said.out.split())
    assert "KV cache of q8_0 numbers takes 100 MB" in " ".join(said.out.split())
    assert "set by you" in said.out
    assert "computed afresh" in " ".join(said.out.split())
    assert said.out.endswith("*  worth knowing\nEverything is fine.\n")


@pytest.mark.usefixtures("told")
def test_without_a_model(run: Run) -> None:
    said = run("doctor")
    assert said.status == 1
    assert fits_80_columns(said.out, but="/")
    assert "! model             none\n" in said.out
    assert "chatapp models pull" in " ".join(said.out.split())
    assert said.out.endswith("!  wrong\nSomething is wrong: model.\n")


@pytest.mark.usefixtures("told")
def test_a_named_model_that_is_not_here(run: Run) -> None:
    findings = found(run("doctor", "--json", "-m", "nobody"))
    assert findings["model"]["state"] == "wrong"
    assert "nobody" in findings["model"]["meaning"]


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("content", [gguf(), b"GGUF", b"", bytes(1000)], ids=range(4))
def test_a_damaged_model(run: Run, home: Path, content: bytes) -> None:
    (home / "models" / DEFAULT).write_bytes(content)
    said = run("doctor", "--json", "-m", DEFAULT)
    assert said.status == 1
    assert states(said, "catalogue", "runs") == ["wrong", "wrong"]
    assert "other bytes" in found(said)["catalogue"]["meaning"]
    assert found(said)["runs"]["meaning"].endswith(".")


@pytest.mark.usefixtures("told")
def test_a_read_only_home(run: Run, unwritable: Path) -> None:
    said = run("--home", str(unwritable), "doctor", "--json")
    assert states(said, "models/", "transcripts/") == ["note", "note"]
    assert "chatting works all the same" in found(said)["models/"]["meaning"]


@pytest.mark.usefixtures("told")
def test_mistakes_in_the_settings_do_not_stop_it(run: Run, home: Path) -> None:
    (home / "settings.toml").write_text("window = 1\n")
    findings = found(run("doctor", "--json"))
    assert findings["settings"]["state"] == "wrong"
    assert "window must be" in findings["settings"]["meaning"]
    assert "model" in findings


@pytest.mark.usefixtures("told")
def test_a_file_in_the_way(run: Run, home: Path) -> None:
    (home / "transcripts").write_text("no folder")
    said = run("doctor", "--json")
    assert states(said, "settings", "transcripts/") == ["wrong", "note"]


def test_where_things_cannot_be_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def died() -> About:
        raise EngineDied("The model process ended at once.")

    monkeypatch.setattr(about, "ask", died)
    monkeypatch.setattr(memory, "available", lambda: None)
    monkeypatch.setattr(doctor_machine, "processor", lambda: None)
    said = run("doctor")
    assert said.status == 1
    assert "! llama.cpp         does not run\n" in said.out
    assert "? memory            not told\n" in said.out
    assert "? processor         not told\n" in said.out
    assert "?  cannot be told here" in said.out


@pytest.mark.usefixtures("told")
def test_gpu_layers_without_a_gpu(run: Run) -> None:
    graphics = found(run("doctor", "--json", "--gpu-layers", "-1"))["graphics"]
    assert (graphics["value"], graphics["state"]) == (False, "note")
    assert "set to -1" in graphics["meaning"]


@pytest.mark.usefixtures("told")
def test_a_server_that_does_not_answer(run: Run, home: Path) -> None:
    (home / "settings.toml").write_text('server = "http://127.0.0.1:9/v1"\n')
    said = run("doctor", "--json")
    assert states(said, "http://127.0.0.1:9/v1") == ["wrong"]
    assert "model" not in found(said)


def test_llama_cpp_that_crashes_has_to_be_compiled_anew(
    run: Run, default_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(self: LocalEngine) -> None:
        raise EngineDied("The model process crashed (SIGSEGV).", "SIGSEGV")

    monkeypatch.setattr(LocalEngine, "fingerprint", crash)
    said = run("doctor", "--json", "-m", str(default_model), "--window", "256")
    assert said.status == 1
    runs = json.loads(said.out)["findings"][-1]
    assert runs["state"] == "wrong"
    assert "crashed (SIGSEGV)" in runs["meaning"]
    assert "make clean" in runs["meaning"]
