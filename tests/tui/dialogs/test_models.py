"""The list of models, and the rows made from the models folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import OptionList

from chatapp.engine.weights.catalogue import load_catalogue
from chatapp.engine.weights.library import Library
from chatapp.tui.dialogs.model_rows import AdapterRow, ModelRow, long_number, rows_from, size_text
from chatapp.tui.dialogs.models import ModelsDialog
from chatapp.tui.given import Chosen
from tests.weights.adapters import folder, lora, write

SIZES = [(80, 24), (40, 20)]


def row(name: str, **changes: object) -> ModelRow:
    given: dict[str, object] = {
        "path": f"/m/{name}.gguf",
        "kind": "instruct",
        "size": 98_362_432,
        "licence": "Apache-2.0",
        "trained_on": "2 trillion tokens",
        "cutoff": "not published",
        "installed": True,
    }
    return ModelRow(name=name, **{**given, **changes})  # type: ignore[arg-type]


HERE = row("Here")
OTHER = row("Other", kind="base", trained_on="not published", cutoff="August 2024")
AWAY = row("Away", path="away.gguf", installed=False, note="A sentence of some length. " * 3)
BROKEN = row("[red]Broken[/]", kind="", error="broken.gguf is cut [/] short.", licence="")
ROWS = [HERE, OTHER, AWAY, BROKEN]


async def test_training_and_cutoff_stand_where_the_model_is_chosen(opened, shown):
    async with opened(ModelsDialog(ROWS, Chosen(HERE.path)), (120, 40)) as pilot:
        text = shown(pilot)
        assert "learned in training, from 2 trillion tokens · cut-off: not published" in text
        assert "learned in training; how much is not published · cut-off: August 2024" in text
        assert "instruct model: taught to converse · 98 MB · Apache-2.0" in text
        assert "base model: continues text" in text
        assert "answering adds nothing" in text


@pytest.mark.parametrize("size", SIZES)
async def test_the_model_in_use_is_marked_and_highlighted(opened, shown, size):
    async with opened(ModelsDialog(ROWS, Chosen(OTHER.path)), size) as pilot:
        assert pilot.app.screen.query_one(OptionList).highlighted == 1
        assert "Other · in use" in shown(pilot)


@pytest.mark.parametrize("current", ["Other", "other", "Other.gguf", "OTHER.GGUF"])
async def test_current_may_be_a_name(opened, shown, current):
    async with opened(ModelsDialog(ROWS, Chosen(current)), (120, 40)) as pilot:
        assert "Other · in use" in shown(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_choosing_gives_the_path(opened, size):
    async with opened(ModelsDialog(ROWS, Chosen(HERE.path)), size) as pilot:
        await pilot.press("down", "enter")
        assert pilot.app.answers == [Chosen(OTHER.path)]


async def test_choosing_the_one_in_use_changes_nothing(opened):
    async with opened(ModelsDialog(ROWS, Chosen(HERE.path))) as pilot:
        await pilot.press("enter")
        assert pilot.app.answers == [None]


@pytest.mark.parametrize("size", SIZES)
async def test_a_model_that_is_not_here_explains_the_command(opened, shown, size):
    async with opened(ModelsDialog(ROWS, Chosen(HERE.path)), size) as pilot:
        await pilot.press("down", "down", "enter")
        await pilot.pause()
        assert pilot.app.answers == []
        assert "In another terminal: chatapp models pull Away (98 MB)" in shown(pilot)
        screen = pilot.app.screen
        assert screen.region.contains_region(screen.query_one("#leave").region)
        await pilot.press("up")
        await pilot.pause()
        assert "In another terminal" not in shown(pilot)


async def test_a_file_that_cannot_be_used_says_why_and_cannot_be_chosen(opened, shown):
    async with opened(ModelsDialog(ROWS, Chosen(HERE.path)), (120, 40)) as pilot:
        assert "[red]Broken[/] · cannot be used" in shown(pilot)
        assert "broken.gguf is cut [/] short." in shown(pilot)
        assert pilot.app.screen.query_one(OptionList).get_option("3").disabled
        await pilot.press("up")
        assert pilot.app.screen.query_one(OptionList).highlighted == 2


@pytest.mark.parametrize("key", ["escape", "f3"])
async def test_leaving_changes_nothing(opened, key):
    async with opened(ModelsDialog(ROWS, Chosen(HERE.path))) as pilot:
        await pilot.press(key)
        assert pilot.app.answers == [None]


async def test_mouse(opened):
    async with opened(ModelsDialog(ROWS, Chosen(HERE.path)), (120, 40)) as pilot:
        await pilot.click("#rows", offset=(4, 4))
        assert pilot.app.answers == [Chosen(OTHER.path)]


async def test_nothing_at_all_is_said(opened, shown):
    async with opened(ModelsDialog([], Chosen("x"))) as pilot:
        assert "No model is here" in shown(pilot)
        await pilot.click("#choose")
        assert pilot.app.answers == []


def test_rows_from_an_empty_folder_are_the_catalogue(tmp_path: Path):
    catalogue = load_catalogue()
    rows = rows_from(Library(tmp_path, tmp_path / "cache", catalogue), catalogue)
    assert [(r.name, r.path, r.installed) for r in rows] == [
        (entry.name, entry.file, False) for entry in catalogue.entries
    ]
    default = rows[0]
    assert (default.trained_on, default.cutoff) == ("2 trillion tokens", "not published")
    assert default.note


def test_a_file_that_cannot_be_read_comes_last_with_its_sentence(tmp_path: Path):
    catalogue = load_catalogue()
    (tmp_path / "aaa.gguf").write_bytes(b"GGUF\x03")
    rows = rows_from(Library(tmp_path, tmp_path / "cache", catalogue), catalogue)
    assert rows[-1].name == "aaa"
    assert rows[-1].error.endswith(".")
    assert not any(r.error for r in rows[:-1])


def test_a_broken_file_under_a_catalogue_name_does_not_hide_the_way_to_fetch_it(tmp_path: Path):
    catalogue = load_catalogue()
    entry = catalogue.entries[0]
    (tmp_path / entry.file).write_bytes(b"GGUF\x03")
    rows = rows_from(Library(tmp_path, tmp_path / "cache", catalogue), catalogue)
    assert [(r.installed, bool(r.error)) for r in rows if entry.file in r.path] == [
        (False, False),
        (True, True),
    ]


@pytest.mark.parametrize(
    ("number", "text"),
    [(2 * 10**12, "2 trillion"), (1.5 * 10**9, "1.5 billion"), (6 * 10**6, "6 million"), (9, "9")],
)
def test_long_numbers_are_said_in_words(number, text):
    assert long_number(int(number)) == text


@pytest.mark.parametrize(
    ("size", "text"), [(98_362_432, "98 MB"), (1_250_000_000, "1.2 GB"), (12, "12 bytes")]
)
def test_sizes(size, text):
    assert size_text(size) == text


# ── adapters ────────────────────────────────────────────────────────────────────────────────────

TURKEY = AdapterRow("turkey", "/m/adapters/turkey/adapter.gguf", 1_947_776, "It fits.")
WEAK = AdapterRow("[b]weak", "/m/adapters/weak/adapter.gguf", 5, "1 of 8 [/] held.", "rejected")
WITH = [row("Here", adapters=(TURKEY, WEAK)), OTHER]


@pytest.mark.parametrize("size", [*SIZES, (120, 40)])
async def test_an_adapter_is_chosen_with_its_model(opened, shown, size):
    async with opened(ModelsDialog(WITH, Chosen("Here")), size) as pilot:
        assert "Here · in use" in shown(pilot)
        await pilot.press("down", "enter")
        assert pilot.app.answers == [Chosen("Here", TURKEY.path, 1.0)]


async def test_its_scale_is_set_by_keys_and_by_mouse(opened, shown):
    async with opened(ModelsDialog(WITH, Chosen("Here")), (120, 40)) as pilot:
        await pilot.press("right")
        await pilot.pause()
        assert "Only an adapter has a scale" in shown(pilot)
        await pilot.press("down", "left", "left")
        await pilot.click("#weaker")
        await pilot.click("#stronger")
        await pilot.pause()
        assert "Here + turkey adapter, 1.9 MB, added ×0.8 · It fits." in shown(pilot)
        await pilot.press(*["left"] * 12)
        await pilot.pause()
        assert "added ×0.0" in shown(pilot)
        await pilot.press("right")
        await pilot.click("#choose")
        assert pilot.app.answers == [Chosen("Here", TURKEY.path, 0.1)]


async def test_the_one_in_use_is_marked_with_its_scale(opened, shown):
    async with opened(ModelsDialog(WITH, Chosen("Here", TURKEY.path, 0.5)), (120, 40)) as pilot:
        assert "Here + turkey · in use adapter, 1.9 MB, added ×0.5" in shown(pilot)
        assert "Here · in use" not in shown(pilot)
        assert pilot.app.screen.query_one(OptionList).highlighted == 1
        await pilot.press("enter")
        assert pilot.app.answers == [None]
    async with opened(ModelsDialog(WITH, Chosen("Here", TURKEY.path, 0.5))) as pilot:
        await pilot.press("up", "enter")
        assert pilot.app.answers == [Chosen("Here")]


async def test_a_rejected_one_says_why_and_cannot_be_chosen(opened, shown):
    async with opened(ModelsDialog(WITH, Chosen("Here")), (120, 40)) as pilot:
        assert "Here + [b]weak · rejected 1 of 8 [/] held." in shown(pilot)
        assert pilot.app.screen.query_one(OptionList).get_option("2").disabled
        await pilot.press("down", "down", "enter")
        assert pilot.app.answers == [Chosen(OTHER.path)]


def test_rows_hold_the_adapters_that_fit_and_the_rest_at_the_end(
    tmp_path: Path, default_model: Path
):
    (tmp_path / default_model.name).symlink_to(default_model.resolve())
    folder(tmp_path, "good", default_model, status="accepted")
    folder(tmp_path, "failed", default_model, status="rejected", reasons=["no"])
    write(tmp_path / "adapters" / "other.gguf", lora(default_model), base_sha256="a" * 64)
    catalogue = load_catalogue()
    library = Library(tmp_path, tmp_path / "cache", catalogue)
    rows = rows_from(library, catalogue, lambda path: "Retrain it." if "good" in str(path) else "")
    found = [(one.name, one.refused, one.sentence) for one in rows[0].adapters]
    assert found == [
        ("good", "", "Retrain it. It was made for these very weights."),
        ("failed", "rejected", "It did not pass its evaluation: no."),
    ]
    assert rows[-1].name == "adapter other"
    assert "made for other weights" in rows[-1].error
