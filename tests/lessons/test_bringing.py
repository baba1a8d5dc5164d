"""Steps that attach files, retrieve passages and switch saved notes, on the real model."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatapp.context.parts import Part, tokens_of_parts, write
from chatapp.errors import ChatappError, LessonError
from chatapp.lessons.handout import as_handout
from chatapp.lessons.headless import HeadlessStage
from chatapp.lessons.library import COURSE, Lessons
from chatapp.lessons.player import Player
from chatapp.lessons.playing import play
from chatapp.lessons.reading import read_lesson
from chatapp.lessons.steps import Lesson
from chatapp.proofs.lab import Lab

TEXT = """
title = "A test"
about = "About a test."
minutes = 3
[start]
max_tokens = 2

[[step]]
id = "file"
attach = "more/pets.md"
note = "It costs {file.part_tokens}."

[[step]]
id = "asked"
ask = "What is the dog called?"

[[step]]
notes = ["I like tea.", "I live in Lisbon."]

[[step]]
new-session = "noted"

[[step]]
id = "found"
retrieve = "more"
question = "Where is the dog door?"
check = [{ is = "files", than = 2 }]

[[step]]
id = "cited"
ask = "Where is the dog door?"

[[step]]
notes = []

[[step]]
new-session = "plain"

[[step]]
id = "plain"
ask = "Hello."

[[step]]
switch = "noted"

[[step]]
id = "later"
ask = "And now?"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    more = tmp_path / "lessons" / "more"
    more.mkdir(parents=True)
    (more / "pets.md").write_text("The dog is called <b>Biscuit</b>.\n")
    (more / "house.md").write_text("The house has a dog door.\n")
    return more.parent


def lesson(folder: Path, *changes: tuple[str, str]) -> Lesson:
    text = TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return read_lesson(text, "small", "small.toml", folder)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"more/pets.md"', '"../pets.md"', "step 1 (file): 'attach' must be a path below the"),
        ('"more/pets.md"', '"/etc/passwd"', "'attach' must be a path below the"),
        ('"more/pets.md"', '"more/.."', "'attach' must be a path below the"),
        ('"more/pets.md"', '"more/none.md"', "there is no file more/none.md beside the lesson"),
        ('"more/pets.md"', '"more"', "there is no file more beside the lesson"),
        ('retrieve = "more"', 'retrieve = "less"', "there is no folder less beside the lesson"),
        ('question = "Where is the dog door?"', "", "'question' is missing"),
        ('ask = "What is the dog called?"', 'say = "Hm."', "step 1 (file): an 'ask' in the same"),
        ('["I like tea.", "I live in Lisbon."]', '"tea"', "notes must be a list of texts"),
        ('"I live in Lisbon."', '" "', "step 3, note 2: A note needs some words"),
        ('"I live in Lisbon."', '"I like tea."', "note 2: That note is there already"),
        (
            "than = 2 }]",
            "than = 2 }, { more = 'tokens_sent', than = 1 }]",
            "must name one of: parts",
        ),
    ],
)
def test_what_is_wrong_is_said(folder: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(LessonError) as caught:
        lesson(folder, (old, new))
    assert says in str(caught.value), str(caught.value)
    assert "small.toml" in str(caught.value)


def test_a_link_out_of_the_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("The code is 1234.")
    (folder / "more" / "pets.md").unlink()
    (folder / "more" / "pets.md").symlink_to(tmp_path / "secret.md")
    with pytest.raises(LessonError, match="does not lie below the lesson's folder"):
        lesson(folder)


def test_a_lesson_without_a_folder_attaches_nothing() -> None:
    with pytest.raises(LessonError, match="the lesson lies in no folder"):
        read_lesson(TEXT, "small", "small.toml")


async def test_what_a_person_would_send_is_sent(folder: Path, lab: Lab) -> None:
    one = await play(lesson(folder), lab)
    assert one.held
    pets = Part("file", "The dog is called <b>Biscuit</b>.", "pets.md")
    sent = one.outcomes["asked"].sent
    assert sent is not None
    assert write([pets], "What is the dog called?") in sent
    assert one.says(one.steps[0].step) == f"It costs {one.outcomes['file'].values['part_tokens']}."
    cited = one.outcomes["cited"].sent
    assert cited is not None
    assert "saved notes:\n- I like tea.\n- I live in Lisbon." in cited
    assert "[1] house.md, line 1:" in cited
    assert "[2] pets.md, line 1:" in cited
    assert one.outcomes["found"].values["parts"] == 2
    # Begun after they were switched off: without. Begun with them: with them to its end.
    assert "I like tea." not in (one.outcomes["plain"].sent or "I like tea.")
    assert "I like tea." in (one.outcomes["later"].sent or "")
    page = as_handout([one], made="today")
    assert "more/pets.md" in page
    assert "I live in Lisbon." in page
    assert "The dog is called &lt;b&gt;Biscuit&lt;/b&gt;." in page


async def test_the_tokens_told_are_those_that_are_sent(folder: Path, lab: Lab) -> None:
    player = Player(lesson(folder), stage := HeadlessStage(lab))
    await player.begin()
    for _ in range(3):
        await player.next()
    facts = stage.conversation.nodes[1].facts
    assert facts is not None
    assert facts.prompt is not None
    last = len(facts.messages) - 1
    sent = tokens_of_parts(facts.prompt, facts.messages, last)
    assert [player.play.outcomes["file"].values["part_tokens"]] == sent


async def test_back_and_taking_over_put_attachments_and_notes_as_they_stood(
    folder: Path, lab: Lab
) -> None:
    player = Player(lesson(folder), stage := HeadlessStage(lab))
    await player.begin()
    await player.next()
    assert [part.name for part in stage.attached] == ["pets.md"]
    await player.back()
    assert stage.attached == ()
    await player.next()
    await player.take_over()
    await stage.send("Mine.")
    assert stage.attached == ()
    await player.resume()
    assert [part.name for part in stage.attached] == ["pets.md"]
    while player.at < 3 or player.phase != "done":
        await player.next()
    assert stage.conversation.notes == ("I like tea.", "I live in Lisbon.")
    await player.back()  # before the session that begins with them
    assert stage.conversation.notes == ()
    await player.back()  # before they were switched on
    assert player.step.kind == "notes"
    await stage.open_session("other", person=False)
    assert stage.conversation.notes == ()


async def test_nothing_found_is_an_error_and_the_step_is_not_done(folder: Path, lab: Lab) -> None:
    changed = lesson(folder, ('question = "Where is the dog door?"', 'question = "Zebras?"'))
    with pytest.raises(ChatappError, match=r"No passage in more holds a word of: Zebras\?"):
        await play(changed, lab)


def test_the_lesson_of_inputs_uses_each_way_and_its_files_are_small() -> None:
    kinds = {step.kind for step in Lessons().lesson("inputs").steps}
    assert {"attach", "retrieve", "notes", "settings", "raw"} <= kinds
    files = [path for path in (COURSE / "inputs").rglob("*") if path.is_file()]
    assert len(files) == 7
    assert sum(path.stat().st_size for path in files) < 4_000
