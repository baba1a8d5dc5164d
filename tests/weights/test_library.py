"""The models folder: what is here, which file a name means, and hashes."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from chatapp.engine.weights.catalogue import Catalogue, load_catalogue
from chatapp.engine.weights.library import Library
from chatapp.errors import WeightsError
from tests.weights.maker import STRING, Typed, changed, entry, gguf

CONTENT = gguf()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def library(models: Path, *files: str) -> Library:
    """A library whose catalogue knows CONTENT as the default model "tiny" in tiny.gguf."""
    for file in files:
        (models / file).write_bytes(CONTENT)
    known = Catalogue((entry(CONTENT, default=True), entry(b"other", name="other")))
    return Library(models, models.parent / "cache", known)


def test_lists_every_gguf_file_and_why_one_cannot_be_used(models: Path) -> None:
    here = library(models, "tiny.gguf", "dropped-in.GGUF")
    (models / "broken.gguf").write_bytes(CONTENT[:500])
    (models / "folder.gguf").mkdir()
    (models / "gone.gguf").symlink_to("nowhere")
    (models / "adapter.gguf").write_bytes(gguf(changed(general__type=Typed(STRING, "adapter"))))
    (models / "README.md").write_text("not a model")
    (models / ".hidden.gguf").write_bytes(CONTENT)
    items = {item.path.name: item for item in here.installed()}
    assert sorted(items) == sorted(
        ["tiny.gguf", "dropped-in.GGUF", "broken.gguf", "folder.gguf", "gone.gguf", "adapter.gguf"]
    )
    tiny = items["tiny.gguf"]
    assert (tiny.size, tiny.error) == (len(CONTENT), None)
    assert tiny.entry is not None
    assert tiny.entry.name == "tiny"
    assert tiny.header is not None
    assert tiny.header.name == "Tiny"
    assert (items["dropped-in.GGUF"].entry, items["dropped-in.GGUF"].error) == (None, None)
    for name in ("broken.gguf", "folder.gguf", "gone.gguf", "adapter.gguf"):
        assert name in (items[name].error or "")
    assert items["broken.gguf"].header is None


def test_a_renamed_file_is_known_again_by_its_hash(models: Path) -> None:
    here = library(models, "renamed.gguf")
    assert here.installed()[0].entry is None
    here.sha256(models / "renamed.gguf")
    found = here.installed()[0].entry
    assert found is not None
    assert found.name == "tiny"


def test_a_file_of_another_size_is_not_taken_for_the_catalogues(models: Path) -> None:
    (models / "other.gguf").write_bytes(CONTENT)
    assert library(models).installed()[0].entry is None


def test_a_missing_folder_holds_nothing(tmp_path: Path) -> None:
    assert library(tmp_path / "nowhere").installed() == []


@pytest.mark.parametrize("name", ["tiny", "TINY", "tiny.gguf", "Tiny.gguf"])
def test_resolves_names(models: Path, name: str) -> None:
    assert library(models, "tiny.gguf").resolve(name) == models / "tiny.gguf"


@pytest.mark.parametrize("name", ["mine", "mine.gguf", "MINE"])
def test_resolves_names_of_files_that_were_dropped_in(models: Path, name: str) -> None:
    assert library(models, "tiny.gguf", "mine.gguf").resolve(name) == models / "mine.gguf"


def test_resolves_paths(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = library(models, "mine.gguf")
    (tmp_path / "elsewhere.gguf").write_bytes(CONTENT)
    (tmp_path / "mine.gguf").write_bytes(CONTENT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert here.resolve(str(tmp_path / "elsewhere.gguf")) == tmp_path / "elsewhere.gguf"
    assert here.resolve("elsewhere.gguf") == tmp_path / "elsewhere.gguf"
    assert here.resolve("~/elsewhere.gguf") == tmp_path / "elsewhere.gguf"
    assert here.resolve("mine.gguf") == models / "mine.gguf"
    assert here.resolve("./mine.gguf") == tmp_path / "mine.gguf"


def test_the_request_goes_before_the_default(models: Path) -> None:
    here = library(models, "tiny.gguf", "mine.gguf", "third.gguf")
    assert here.resolve("mine", "third") == models / "mine.gguf"
    assert here.resolve(None, "third") == models / "third.gguf"
    assert here.resolve(None, None) == models / "tiny.gguf"


def test_the_only_usable_model_is_the_default(models: Path) -> None:
    here = library(models, "mine.gguf")
    (models / "broken.gguf").write_bytes(b"GGUF")
    assert here.resolve(None) == models / "mine.gguf"


@pytest.mark.parametrize("name", ["nothing", "nowhere/x.gguf", "a\0b", "x" * 5000, "~nobody-x/y"])
def test_an_unknown_name_lists_what_is_here(models: Path, name: str) -> None:
    with pytest.raises(WeightsError, match=r"There is no model .*tiny\.gguf\.$"):
        library(models, "tiny.gguf").resolve(name)


def test_a_catalogue_model_that_is_not_here_says_how_to_get_it(models: Path) -> None:
    with pytest.raises(WeightsError, match=r"chatapp models pull other fetches it.*tiny\.gguf"):
        library(models, "tiny.gguf").resolve("OTHER")


def test_several_models_or_none_must_be_named(models: Path) -> None:
    with pytest.raises(WeightsError, match=r"No usable model.*nothing"):
        library(models).resolve(None)
    with pytest.raises(WeightsError, match=r"Several models.*a\.gguf, b\.gguf"):
        library(models, "a.gguf", "b.gguf").resolve(None)


def test_the_hash_is_remembered_until_the_file_changes(models: Path) -> None:
    here, path = library(models, "tiny.gguf"), models / "tiny.gguf"
    seen: list[tuple[int, int]] = []
    assert here.sha256(path, progress=lambda *step: seen.append(step)) == SHA256
    assert seen == [(len(CONTENT), len(CONTENT))]
    cache = models.parent / "cache" / "hashes.json"
    assert cache.stat().st_mode & 0o777 == 0o600
    assert list(cache.parent.iterdir()) == [cache]
    for again in (here, library(models)):
        assert again.sha256(path, progress=lambda *_: pytest.fail("read again")) == SHA256
    status = path.stat()
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert here.sha256(path) == hashlib.sha256(CONTENT[::-1]).hexdigest()


def test_refresh_reads_the_file_whatever_is_remembered(models: Path) -> None:
    here, path = library(models, "tiny.gguf"), models / "tiny.gguf"
    here.sha256(path)
    status = path.stat()
    with path.open("r+b") as file:  # a change that hides: same size, inode and time
        file.write(b"XXXX")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert here.sha256(path) == SHA256
    assert here.sha256(path, refresh=True) != SHA256
    assert here.verify(path) == "differs"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"%s": 1}', b'{"%s": [[1, 2, 3], "zz"]}', b"\xff", b"[" * 99999],
)
def test_a_damaged_cache_is_no_error(models: Path, content: bytes) -> None:
    here, path = library(models, "tiny.gguf"), models / "tiny.gguf"
    cache = models.parent / "cache" / "hashes.json"
    cache.parent.mkdir()
    cache.write_bytes(content.replace(b"%s", os.fsencode(path)))
    assert here.sha256(path) == SHA256
    assert len(json.loads(cache.read_text())) == 1


def test_files_that_are_gone_leave_the_cache(models: Path) -> None:
    here = library(models, "tiny.gguf", "mine.gguf")
    here.sha256(models / "mine.gguf")
    (models / "mine.gguf").unlink()
    here.sha256(models / "tiny.gguf")
    cache = json.loads((models.parent / "cache" / "hashes.json").read_text())
    assert list(cache) == [str(models / "tiny.gguf")]


def test_a_read_only_folder_is_enough(unwritable: Path) -> None:
    here = Library(unwritable, unwritable / "cache", Catalogue((entry(CONTENT, default=True),)))
    assert [item.error for item in here.installed()] == [None]
    assert here.resolve("kept") == unwritable / "kept.gguf"
    assert here.verify(unwritable / "kept.gguf") == "verified"
    assert [path.name for path in unwritable.iterdir()] == ["kept.gguf"]


def test_verify(models: Path) -> None:
    here = library(models, "tiny.gguf", "renamed.gguf", "other.gguf")
    (models / "mine.gguf").write_bytes(CONTENT + b"x")
    (models / "tiny2.gguf").write_bytes(b"whatever")
    assert here.verify(models / "tiny.gguf") == "verified"
    assert here.verify(models / "renamed.gguf") == "verified"
    assert here.verify(models / "mine.gguf") == "unknown"
    (models / "tiny.gguf").write_bytes(CONTENT + b"x")
    assert here.verify(models / "tiny.gguf") == "differs"


def test_what_cannot_be_hashed_is_an_error_of_ours(models: Path) -> None:
    for name in ("nowhere.gguf", "."):
        with pytest.raises(WeightsError, match="There is no file"):
            library(models).sha256(models / name)
    if hasattr(os, "mkfifo"):
        os.mkfifo(models / "pipe.gguf")
        with pytest.raises(WeightsError, match="There is no file"):
            library(models).sha256(models / "pipe.gguf")


def test_the_default_model_is_the_catalogues(default_model: Path, tmp_path: Path) -> None:
    here = Library(default_model.parent, tmp_path, load_catalogue())
    assert here.verify(default_model) == "verified"
    assert here.resolve("smollm2-135m-instruct") == default_model


def test_a_base_model_is_found_but_for_the_one_in_use(models: Path) -> None:
    assert library(models, "tiny.gguf").base_model(models / "none.gguf") is None
    kinds = tuple(replace(one, kind="base") for one in library(models).catalogue.entries)
    here = Library(models, models.parent / "cache", Catalogue(kinds))
    assert here.base_model(models / "none.gguf") == models / "tiny.gguf"
    assert here.base_model(models / "tiny.gguf") is None
