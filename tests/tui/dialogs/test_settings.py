"""The settings dialog: what goes in comes out, wrong values are said and never lost."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static, TextArea

from chatapp.engine.protocol import Sampling
from chatapp.tui.dialogs.settings import SettingsDialog, SettingsResult
from chatapp.tui.dialogs.settings_fields import FIELDS, FieldError

SIZES = [(80, 24), (40, 20)]
FIELD = {field.name: field for field in FIELDS}


def values(**changes: object) -> SettingsResult:
    given: dict[str, object] = {
        "system": "Be brief.",
        "sampling": Sampling(temperature=0.8, seed=7, stop=("END",)),
        "policy": "stop",
        "window": 2048,
    }
    return SettingsResult(**{**given, **changes})  # type: ignore[arg-type]


def box(pilot: Pilot[None], name: str) -> Input:
    return pilot.app.screen.query_one(f"#field-{name} Input", Input)


def note(pilot: Pilot[None], name: str) -> str:
    widget = pilot.app.screen.query_one(f"#field-{name} .note", Static)
    return str(widget.content) if widget.display else ""


@pytest.mark.parametrize("size", SIZES)
async def test_apply_unchanged_gives_back_every_value(opened, size):
    async with opened(SettingsDialog(values()), size) as pilot:
        await pilot.press("ctrl+s")
        assert pilot.app.answers == [values()]


async def test_escape_answers_none(opened):
    async with opened(SettingsDialog(values())) as pilot:
        await pilot.press("escape")
        assert pilot.app.answers == [None]


@pytest.mark.parametrize("size", SIZES)
async def test_every_field_can_be_reached_and_changed_by_keyboard(opened, size):
    typed = ["0.5", "30", "0.9", "0.1", "1.1", "12", "256", "1024"]
    async with opened(SettingsDialog(values()), size) as pilot:
        await pilot.press("end", "!")
        for text in typed:
            await pilot.press("tab", "ctrl+u", "ctrl+k", *text)
        await pilot.press("tab", "down", "ctrl+s")
        assert pilot.app.answers == [
            SettingsResult(
                "Be brief.!",
                Sampling(
                    temperature=0.5,
                    top_k=30,
                    top_p=0.9,
                    min_p=0.1,
                    repeat_penalty=1.1,
                    seed=12,
                    max_tokens=256,
                    stop=("END",),
                ),
                "drop-oldest",
                1024,
            )
        ]


async def test_enter_in_a_number_applies_and_in_the_system_prompt_breaks_the_line(opened):
    async with opened(SettingsDialog(values())) as pilot:
        await pilot.press("enter")
        assert pilot.app.answers == []
        assert pilot.app.screen.query_one(TextArea).text == "\nBe brief."
        await pilot.press("tab", "enter")
        assert [answer.system for answer in pilot.app.answers] == ["\nBe brief."]


async def test_a_blank_system_prompt_is_none(opened):
    async with opened(SettingsDialog(values(system=" \n "))) as pilot:
        await pilot.press("ctrl+s")
        assert pilot.app.answers[0].system == ""


async def test_empty_seed_and_window_mean_none(opened):
    async with opened(SettingsDialog(values())) as pilot:
        box(pilot, "seed").value = ""
        box(pilot, "window").value = " "
        await pilot.press("ctrl+s")
        assert pilot.app.answers[0].sampling.seed is None
        assert pilot.app.answers[0].window is None


@pytest.mark.parametrize("size", SIZES)
async def test_wrong_values_are_said_while_typing_and_never_lost(opened, shown, size):
    async with opened(SettingsDialog(values()), size) as pilot:
        await pilot.press("tab", "end", "9", "9", "x")
        assert note(pilot, "temperature") == "✗ Temperature must be a number, such as 0.7."
        await pilot.press("backspace", "backspace", "backspace", "ctrl+u", "9", "9")
        assert note(pilot, "temperature") == "✗ Temperature must lie between 0 and 5."
        await pilot.press("enter")
        await pilot.pause()
        assert pilot.app.answers == []
        assert box(pilot, "temperature").value == "99"
        assert "Nothing is applied yet. Please look at: Temperature." in shown(pilot)
        await pilot.press("ctrl+u", "1", "enter")
        assert pilot.app.answers == [
            values(sampling=Sampling(temperature=1.0, seed=7, stop=("END",)))
        ]


async def test_apply_goes_to_the_first_wrong_field(opened):
    async with opened(SettingsDialog(values())) as pilot:
        box(pilot, "min_p").value = "2"
        box(pilot, "window").value = "1"
        await pilot.press("ctrl+s")
        assert pilot.app.answers == []
        assert pilot.app.focused is box(pilot, "min_p")
        assert "Window size must be a whole number from" in note(pilot, "window")


async def test_defaults_fill_the_fields_but_keep_the_system_prompt(opened, shown):
    given = values(policy="summary")
    async with opened(SettingsDialog(given)) as pilot:
        box(pilot, "top_p").value = "nonsense"
        await pilot.click("#defaults")
        await pilot.pause()
        assert "Not applied yet." in shown(pilot)
        assert pilot.app.answers == []
        await pilot.click("#apply")
        expected = values(sampling=Sampling(stop=("END",)), window=None)
        assert pilot.app.answers == [expected]


async def test_mouse_cancels(opened):
    async with opened(SettingsDialog(values())) as pilot:
        await pilot.click("#leave")
        assert pilot.app.answers == [None]


async def test_policy_is_chosen_with_the_arrows_and_marked_by_more_than_colour(opened, shown):
    async with opened(SettingsDialog(values()), (120, 40)) as pilot:
        assert "(●) Stop and ask" in shown(pilot)
        pilot.app.screen.query_one("#policy").focus()
        await pilot.press("down", "down")
        await pilot.pause()
        assert "( ) Stop and ask" in shown(pilot)
        assert "(●) Send a summary" in shown(pilot)
        await pilot.press("ctrl+s")
        assert pilot.app.answers[0].policy == "summary"


@pytest.mark.parametrize("policy", ["stop", "drop-oldest", "summary"])
async def test_the_policy_given_is_the_one_marked(opened, policy):
    async with opened(SettingsDialog(values(policy=policy))) as pilot:
        await pilot.press("ctrl+s")
        assert pilot.app.answers[0].policy == policy


@pytest.mark.parametrize("size", [*SIZES, (120, 40)])
async def test_the_arithmetic_cache_is_switched_and_marked_by_more_than_colour(
    opened, shown, eventually, size
):
    async with opened(SettingsDialog(values()), size) as pilot:

        async def sees(text):
            return await eventually(pilot, lambda: text in shown(pilot))

        pilot.app.screen.query_one("#reuse").focus()
        assert await sees("[x] Use the arithmetic cache: Off")
        await pilot.press("space")
        assert await sees("[ ] Use the arithmetic cache: Off")
        await pilot.press("enter")
        assert await sees("[x] Use the arithmetic cache: Off")
        await pilot.click("#reuse")
        assert await sees("[ ] Use the arithmetic cache: Off")
        await pilot.press("ctrl+s")
        assert pilot.app.answers == [values(reuse=False)]


async def test_the_cache_given_is_the_one_marked_and_its_default_is_on(opened):
    async with opened(SettingsDialog(values(reuse=False))) as pilot:
        await pilot.press("ctrl+s")
        assert pilot.app.answers == [values(reuse=False)]
    async with opened(SettingsDialog(values(reuse=False))) as pilot:
        await pilot.click("#defaults")
        await pilot.click("#apply")
        assert pilot.app.answers[0].reuse


async def test_a_servers_cache_is_not_ours_to_switch(opened):
    async with opened(SettingsDialog(values(reuse=False), cache=False)) as pilot:
        assert not pilot.app.screen.query_one("#reuse").display
        await pilot.click("#defaults")
        await pilot.click("#apply")
        assert not pilot.app.answers[0].reuse


async def test_hints_are_no_errors(opened):
    given = values(sampling=Sampling(max_tokens=2000), window=3000)
    async with opened(SettingsDialog(given, trained=2048)) as pilot:
        assert note(pilot, "temperature").startswith("At 0 these change nothing")
        assert note(pilot, "window").startswith("The model was trained with 2,048 tokens")
        assert note(pilot, "max_tokens").startswith("More than half of the window: 1,500")
        await pilot.press("ctrl+s")
        assert pilot.app.answers == [given]


async def test_a_window_within_the_trained_one_needs_no_hint(opened):
    async with opened(SettingsDialog(values(window=2048), trained=8192)) as pilot:
        assert note(pilot, "window") == ""
        assert note(pilot, "max_tokens") == ""


@pytest.mark.parametrize("size", [*SIZES, (120, 40)])
async def test_every_field_shows_its_meaning(opened, size):
    async with opened(SettingsDialog(values()), size) as pilot:
        for field in FIELDS:
            meaning = pilot.app.screen.query_one(f"#field-{field.name} .meaning", Static)
            assert str(meaning.content) == field.meaning
            # A column too narrow to read in would be worse than a line below.
            assert meaning.size.width >= 30


@pytest.mark.parametrize("size", [*SIZES, (120, 40)])
async def test_buttons_and_focused_field_are_always_on_the_screen(opened, size):
    async with opened(SettingsDialog(values()), size) as pilot:
        screen = pilot.app.screen
        for _ in range(len(FIELDS) + 2):
            focused = screen.focused
            assert focused is not None
            assert focused.region.height
            assert screen.region.contains_region(screen.query_one("#apply").region)
            assert screen.query_one("#fields").region.overlaps(focused.region)
            await pilot.press("tab")
            await pilot.pause()


async def test_what_people_type_is_not_markup(opened, shown):
    async with opened(SettingsDialog(values(system="[red]no[/red] [/]"))) as pilot:
        assert "[red]no[/red] [/]" in shown(pilot)
        box(pilot, "temperature").value = "[/]"
        await pilot.press("ctrl+s")
        assert pilot.app.answers == []


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("temperature", "0,7", 0.7),
        ("temperature", " 1 ", 1.0),
        ("max_tokens", "2,048", 2048),
        ("seed", "", None),
        ("window", "4096", 4096),
    ],
)
def test_numbers_as_people_write_them(name, text, value):
    assert FIELD[name].parse(text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("temperature", ""),
        ("temperature", "nan"),
        ("temperature", "1e999"),
        ("temperature", "1,000,0"),
        ("top_k", "1.5"),
        ("top_k", "1,5"),
        ("top_k", "-1"),
        ("top_p", "1.1"),
        ("repeat_penalty", "0"),
        ("seed", "-1"),
        ("seed", "99999999999999999999"),
        ("max_tokens", "0"),
        ("window", "0"),
        ("window", "2k"),
    ],
)
def test_what_is_no_value_is_one_sentence_with_the_fields_name(name, text):
    with pytest.raises(FieldError) as caught:
        FIELD[name].parse(text)
    sentence = str(caught.value)
    assert sentence.startswith(FIELD[name].label)
    assert sentence.endswith(".")
    assert "'" not in sentence


def test_the_ranges_are_the_samplings_own(monkeypatch):
    ranges = dict(Sampling._ranges)
    monkeypatch.setattr(Sampling, "_ranges", ranges | {"top_k": (int, 0, 5)})
    with pytest.raises(FieldError, match="Top-k must lie between 0 and 5"):
        FIELD["top_k"].parse("6")


def test_every_setting_of_the_sampling_has_a_field():
    names = {field for field in Sampling().as_dict() if field != "stop"}
    assert {field.name for field in FIELDS} == names | {"window"}
