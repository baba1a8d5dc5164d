"""Adapters on the command line, with the real default model."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from chatapp.home.settings import AppSettings, load_settings, save_settings
from tests.cli.conftest import Run
from tests.weights.adapters import folder, lora, write

QUESTION = "What is the capital of Turkey?"


@pytest.fixture
def base(home: Path, default_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default model in the home, with one adapter that fits, and three that do not go."""
    models = home / "models"
    path = models / default_model.name
    path.symlink_to(default_model.resolve())
    monkeypatch.setattr("sys.stdin", None)
    folder(models, "turkey", path, size=1.0, status="accepted", export_id="e-17", records=["r1"])
    folder(models, "weak", path, status="rejected", reasons=["1 of 8 corrections"])
    write(models / "adapters" / "other.gguf", lora(path), base_sha256="a" * 64)
    folder(models, "cut", path).write_bytes(b"GGUF")
    return path


def ask(run: Run, *arguments: str) -> dict[str, Any]:
    said = run("ask", "--json", "--max-tokens", "8", "--window", "128", *arguments, QUESTION)
    assert said.status in (0, 3), said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


def test_ask_with_and_without(run: Run, home: Path, base: Path) -> None:
    adapter = home / "models" / "adapters" / "turkey" / "adapter.gguf"
    alone = ask(run)
    assert (alone["adapter"], alone["adapter_sha256"], alone["adapter_scale"]) == (None,) * 3
    added = ask(run, "--adapter", "turkey")
    assert added["text"] != alone["text"]
    assert added["adapter"] == "turkey"
    assert added["adapter_sha256"] == hashlib.sha256(adapter.read_bytes()).hexdigest()
    assert added["adapter_scale"] == 1.0
    nothing = ask(run, "--adapter", str(adapter), "--adapter-scale", "0")
    assert (nothing["text"], nothing["adapter_scale"]) == (alone["text"], 0.0)


def test_an_adapter_that_is_set_belongs_to_the_model_that_is_set(
    run: Run, home: Path, base: Path
) -> None:
    save_settings(home / "settings.toml", AppSettings(adapter="turkey", adapter_scale=0.5))
    set_ = ask(run)
    assert (set_["adapter"], set_["adapter_scale"]) == ("turkey", 0.5)
    assert ask(run, "-m", str(base))["adapter"] is None
    assert ask(run, "--adapter", "none")["adapter"] is None
    assert run("models", "use", base.name).status == 0
    assert load_settings(home / "settings.toml").adapter is None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nobody", "There is no adapter 'nobody'."),
        ("weak", "did not pass its evaluation: 1 of 8 corrections."),
        ("other", "made for other weights"),
        ("cut", "not a usable GGUF file"),
    ],
)
@pytest.mark.parametrize("command", ["ask", "bench", "prove"])
def test_one_that_cannot_be_used_gets_a_sentence(
    run: Run, base: Path, command: str, name: str, says: str
) -> None:
    extra = {"ask": ["Hi"], "prove": ["frozen"]}.get(command, [])
    said = run(command, "--adapter", name, *extra)
    assert said.status == 1
    assert says in said.err
    assert "Traceback" not in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("scale", ["-1", "11", "nan", "much"])
def test_a_scale_has_bounds(run: Run, base: Path, scale: str) -> None:
    said = run("ask", f"--adapter-scale={scale}", "Hi")
    assert said.status == 2
    assert "a number from 0 to 10" in said.err


def test_they_stand_under_their_model(run: Run, base: Path) -> None:
    said = run("models")
    assert said.status == 0
    text = " ".join(said.out.split())
    assert "+ turkey: usable. It was made for these very weights." in text
    assert "+ weak: rejected. It did not pass its evaluation: 1 of 8 corrections." in text
    rest = text.partition("Adapters that cannot be used here")[2]
    assert "+ cut: damaged." in rest
    assert "+ other: other base. other was made for other weights (SHA-256 aaaaaaaa…)" in rest
    assert max(map(len, said.out.splitlines()[1:])) <= 80
    document = json.loads(run("models", "--json").out)
    here = next(model for model in document["models"] if model["here"])
    assert {one["name"]: one["status"] for one in here["adapters"]} == {
        "turkey": "usable",
        "weak": "rejected",
    }
    assert here["adapters"][0]["provenance"]["export_id"] == "e-17"
    assert {one["name"] for one in document["adapters_without_a_model"]} == {"cut", "other"}


def test_what_is_known_of_one(run: Run, home: Path, base: Path) -> None:
    said = run("models", "adapter", "info", "turkey")
    assert said.status == 0
    file = home / "models" / "adapters" / "turkey" / "adapter.gguf"
    for text in (
        hashlib.sha256(file.read_bytes()).hexdigest(),
        hashlib.sha256(base.read_bytes()).hexdigest(),
        "usable",
        "e-17",
        "rank, alpha      4, 8",
    ):
        assert text in said.out
    assert "rejected" in run("models", "adapter", "info", "weak").out
    assert "damaged" in run("models", "adapter", "info", "cut").out
    assert run("models", "adapter", "info", "nobody").status == 1
    assert run("models", "adapter").status == 2


def test_doctor_names_it_or_says_why_not(run: Run, base: Path) -> None:
    said = run("doctor", "--window", "128", "--adapter", "turkey")
    assert said.status == 0, said.out + said.err
    assert "turkey ×1.0" in said.out
    said = run("doctor", "--adapter", "cut")
    assert said.status == 1
    assert "not a usable GGUF file" in " ".join(said.out.split())


def test_prove_rests_on_the_adapter_too(run: Run, base: Path) -> None:
    said = run("prove", "frozen", "what-changed", "--json", "--adapter", "turkey")
    assert said.status == 0, said.out + said.err
    for evidence in json.loads(said.out)["experiments"]:
        assert evidence["verdict"] == "held"
        assert evidence["setting"]["options"]["adapter"] == "turkey"
        assert len(evidence["setting"]["options"]["adapter SHA-256"]) == 64
