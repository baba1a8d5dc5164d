"""The list of adapters: each with its state and one sentence."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from chatapp.engine.weights.adapter_list import Adapters
from chatapp.engine.weights.library import Library
from chatapp.errors import AdapterError, WeightsError
from tests.weights.adapters import folder, lora, write
from tests.weights.maker import gguf


@pytest.fixture
def library(tmp_path: Path, default_model: Path) -> Library:
    models = tmp_path / "models"
    models.mkdir()
    (models / default_model.name).symlink_to(default_model)
    return Library(models, tmp_path / "cache")


@pytest.fixture
def base(library: Library, default_model: Path) -> Path:
    return library.models_dir / default_model.name


def test_no_folder_no_adapters(library: Library, base: Path) -> None:
    assert Adapters(library).of(base) == []
    (library.models_dir / "adapters").write_text("in the way")
    assert Adapters(library).of(base) == []


def test_each_with_its_state_and_a_sentence(library: Library, base: Path) -> None:
    models = library.models_dir
    folder(models, "good", base, status="accepted")
    folder(models, "failed", base, status="rejected", reasons=["3 of 8 corrections.", "2 leaks"])
    folder(models, "cut", base).write_bytes(b"GGUF")
    folder(models, "swapped", base, status="accepted", adapter_sha256="0" * 64)
    (models / "adapters" / "empty").mkdir()
    write(models / "adapters" / "loose.gguf", lora(base))
    write(models / "adapters" / "other.gguf", lora(base), base_sha256="a" * 64)
    found = {one.name: (one.status, one.sentence) for one in Adapters(library).of(base)}
    assert found["good"] == ("usable", "It was made for these very weights.")
    assert found["failed"] == (
        "rejected",
        "It did not pass its evaluation: 3 of 8 corrections; 2 leaks.",
    )
    assert found["cut"][0] == "damaged"
    assert "too short" in found["cut"][1]
    assert found["swapped"][0] == "damaged"
    assert "provenance" in found["swapped"][1]
    assert found["empty"][0] == "damaged"
    assert "is missing" in found["empty"][1]
    assert found["loose"][0] == "usable"
    assert "does not say" in found["loose"][1]
    assert found["other"][0] == "other base"
    assert all(sentence.endswith(".") for _, sentence in found.values())
    assert len(found) == 7
    assert [one.usable for one in Adapters(library).of(base)] == [True] * 2 + [False] * 5


def test_a_true_provenance(library: Library, base: Path) -> None:
    path = folder(library.models_dir, "good", base)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    text = '{"status": "accepted", "adapter_sha256": "%s", "export_id": "e1"}' % sha256  # noqa: UP031
    (path.parent / "provenance.json").write_text(text)
    one = Adapters(library).look(path, base)
    assert one.usable
    assert one.provenance["export_id"] == "e1"


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"status": 3, "reasons": 4}'])
def test_an_odd_provenance_stops_nothing(library: Library, base: Path, text: str) -> None:
    path = folder(library.models_dir, "good", base)
    (path.parent / "provenance.json").write_text(text)
    assert Adapters(library).look(path, base).usable


def test_a_base_that_cannot_be_read(library: Library, base: Path, tmp_path: Path) -> None:
    path = folder(library.models_dir, "good", base)
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"nothing")
    assert Adapters(library).look(path, broken).status == "damaged"
    tiny = tmp_path / "tiny.gguf"
    tiny.write_bytes(gguf())
    assert Adapters(library).look(path, tiny).status == "other base"


def test_withdrawn_records_mark_what_rests_on_them(library: Library, base: Path) -> None:
    folder(library.models_dir, "clean", base)
    folder(library.models_dir, "marked", base)
    says = "It rests on withdrawn records: retrain it."
    adapters = Adapters(library, withdrawn=lambda path: says if "marked" in str(path) else "")
    found = {one.name: one.withdrawn for one in adapters.of(base)}
    assert found == {"clean": "", "marked": says}


def test_a_name_or_a_path(library: Library, base: Path, tmp_path: Path) -> None:
    adapters = Adapters(library)
    good = folder(library.models_dir, "Good", base)
    failed = folder(library.models_dir, "failed", base, status="rejected")
    other = write(library.models_dir / "adapters" / "other.gguf", lora(base), base_sha256="a" * 64)
    assert adapters.resolve("good", base) == good
    assert adapters.resolve(str(good), base) == good
    assert adapters.resolve(str(good.parent), base) == good
    assert adapters.resolve(str(failed), base) == failed
    with pytest.raises(AdapterError, match="did not pass its evaluation"):
        adapters.resolve("failed", base)
    with pytest.raises(AdapterError, match="other weights"):
        adapters.resolve("other", base)
    with pytest.raises(AdapterError, match="other weights"):
        adapters.resolve(str(other), base)
    with pytest.raises(AdapterError, match=r"no adapter 'none'.*failed, Good, other\."):
        adapters.resolve("none", base)
    for odd in ("a\0b", "~nobody-here/x", "x" * 5000, ""):
        with pytest.raises(WeightsError):
            adapters.resolve(odd, base)
