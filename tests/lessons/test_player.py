"""The player on the real model: on, back, taken over, guessed, and a step that breaks off."""

from __future__ import annotations

import asyncio

import pytest

from chatapp.conversation import Node
from chatapp.errors import ChatappError, EngineError
from chatapp.lessons.headless import HeadlessStage
from chatapp.lessons.player import Player
from chatapp.lessons.playing import play
from chatapp.proofs.lab import Lab
from tests.lessons.samples import small


async def begun(lab: Lab) -> tuple[Player, HeadlessStage]:
    stage = HeadlessStage(lab)
    player = Player(small(), stage)
    await player.begin()
    return player, stage


async def until(player: Player, ident: str) -> None:
    """Go on until this step is shown and not done."""
    while player.step.id != ident:
        await player.next()


async def test_a_play_from_start_to_end(lab: Lab) -> None:
    one = await play(small(), lab)
    assert one.held, [check for check in one.checks if not check.held]
    assert [guess.happened.id for guess in one.guesses if guess.happened] == ["right"]
    assert one.guesses[0].guessed is None
    assert one.guesses[0].met is None
    first, again = one.outcomes["first"], one.outcomes["again"]
    assert one.says(one.lesson.step("first")) == f"Sent: {first.values['tokens_sent']}."
    assert again.sent is not None
    assert "Please remember" in again.sent
    assert first.values["p_right"] < again.values["p_right"]  # type: ignore[operator]
    assert one.as_dict()["held"] is True
    assert (await play(small(), lab)).bits == one.bits


async def test_an_answer_that_is_not_the_expected_one_fails(lab: Lab) -> None:
    wrong = small(
        ('{ contains = "Istanbul" }', '{ contains = "Paris" }'),
        ('expected = "right"', 'expected = "other"'),
    )
    one = await play(wrong, lab)
    assert one.finished
    assert not one.held
    missed = [check for check in one.checks if not check.held]
    assert [check.expected for check in missed] == ["Paris", "Something else"]
    assert "Istanbul" in missed[0].found


async def test_a_guess_is_kept_and_decided_by_what_happens(lab: Lab) -> None:
    player, _ = await begun(lab)
    await until(player, "guess")
    assert player.asking
    with pytest.raises(ChatappError, match="no option 'left'"):
        player.guess("left")
    player.guess("other")
    [guess] = player.play.guesses
    assert (guess.decided, guess.met) == (False, None)
    while player.phase != "ended":
        await player.next()
    assert guess.happened is not None
    assert (guess.decided, guess.happened.id, guess.met) == (True, "right", False)
    with pytest.raises(ChatappError, match="Nothing is asked"):
        player.guess("right")


async def test_back_puts_the_conversation_as_it_stood_and_sent_stays_sent(lab: Lab) -> None:
    player, stage = await begun(lab)
    await until(player, "correct")
    before = [(node.role, node.content) for node in stage.conversation.nodes]
    question = stage.conversation.nodes[0]
    await player.next()  # corrected
    total, times = stage.conversation.total_sent, question.sent
    assert len(stage.conversation.nodes) == len(before) + 2
    await player.back()
    assert (player.phase, player.step.id) == ("ready", "correct")
    assert [(node.role, node.content) for node in stage.conversation.nodes] == before
    assert stage.conversation.total_sent == total
    assert stage.conversation.nodes[0].sent == times == 2
    assert player.play.taken_back == 1
    assert "correct" not in player.play.outcomes
    while player.phase != "ended":
        await player.next()
    assert player.play.held, [check for check in player.play.checks if not check.held]


async def test_back_over_a_session_and_a_decided_guess(lab: Lab) -> None:
    player, stage = await begun(lab)
    while player.phase != "ended":
        await player.next()
    await player.back()
    assert not player.play.finished
    while player.step.id != "empty":
        await player.back()
    assert player.play.taken_back == 1  # the one request; a new session sends none
    assert len(stage.conversation.nodes) == 6  # the first session is in front again
    [guess] = player.play.guesses
    assert guess.decided
    while player.step.id != "guess":
        await player.back()
    assert not player.play.guesses
    assert guess.happened is None
    while player.can_go_back:
        await player.back()
    assert (player.at, player.phase, stage.conversation.nodes) == (0, "ready", [])
    assert not player.play.steps


async def test_the_person_takes_over_and_comes_back(lab: Lab) -> None:
    player, stage = await begun(lab)
    await until(player, "guess")
    before = list(stage.conversation.nodes)
    await player.take_over()
    assert player.phase == "away"
    await stage.send("Name a river.")
    await stage.open_session("mine", person=False)
    await player.resume()
    assert stage.conversation.nodes == before
    assert (player.phase, player.play.taken_over) == ("ready", 1)
    while player.phase != "ended":
        await player.next()
    assert player.play.held
    with pytest.raises(ChatappError, match="not left"):
        await player.resume()
    with pytest.raises(ChatappError, match="between two steps"):
        await player.take_over()


class Breaking(HeadlessStage):
    """Breaks off the next message after it was sent; ``how`` says with what."""

    how: BaseException | None = None

    async def send(self, text: str) -> Node:
        node = await super().send(text)
        if Breaking.how is not None:
            error, Breaking.how = Breaking.how, None
            raise error
        return node


@pytest.mark.parametrize("how", [EngineError("It broke."), asyncio.CancelledError()])
async def test_a_step_that_breaks_off_is_not_done_and_can_be_tried_again(
    lab: Lab, how: BaseException
) -> None:
    player = Player(small(), Breaking(lab))
    await player.begin()
    await until(player, "again")
    Breaking.how = how
    with pytest.raises(type(how)):
        await player.next()
    assert (player.phase, player.step.id) == ("ready", "again")
    while player.phase != "ended":
        await player.next()
    assert player.play.held, [check for check in player.play.checks if not check.held]
    assert player.play.outcomes["again"].values["messages"] == 5


async def test_settings_hold_for_all_sessions_and_are_taken_back(lab: Lab) -> None:
    player, stage = await begun(lab)
    given = small(('say = "Welcome."', 'settings = { system = "Be brief.", window = 256 }'))
    player.lesson = given
    await player.next()
    assert (stage.conversation.system, stage.conversation.window) == ("Be brief.", 256)
    await player.back()
    assert (stage.conversation.system, stage.conversation.window) == ("", 2048)


async def test_a_correction_whose_wrong_answer_is_not_there_is_an_error(lab: Lab) -> None:
    player, stage = await begun(lab)
    await until(player, "correct")
    stage.conversation.nodes[-1].content = "Something else."
    with pytest.raises(ChatappError, match="not in this session"):
        await player.next()
    assert player.phase == "ready"
