"""What the lesson's strip says, from the player's state. Pure: no widget, no clock."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from chatapp.lessons.acting import acts
from chatapp.lessons.outcome import Outcome
from chatapp.lessons.play import Guess, Play, Played
from chatapp.lessons.player import Player
from chatapp.lessons.steps import (
    AnotherPerson,
    Ask,
    Attach,
    Correct,
    Expect,
    NewSession,
    Prove,
    Raw,
    Retrieve,
    SavedNotes,
    Say,
    Settings,
    Show,
    Step,
    Summary,
    SwitchTo,
)
from chatapp.lessons.words import Words, words_of
from chatapp.proofs.experiments import EXPERIMENTS
from chatapp.tui import words
from chatapp.tui.proof_rows import probability
from chatapp.tui.widgets.keybar import Key

__all__ = ["deed", "guessed", "keys", "place", "rows", "text"]


def place(player: Player) -> str:
    """Where the lesson is."""
    return player.words("screen-place", at=player.at + 1, all=len(player.lesson.steps))


def rows(player: Player, *, progress: str = "", error: str = "") -> Content:
    """The words of the step that is shown. ``progress``: what the step does just now."""
    say = player.words
    if player.phase == "away":
        return Content(say("screen-away"))
    parts = [*_rows(player, progress)]
    if error:
        again = f"✗ {words.one_line(error)} {say('screen-again')}"
        parts.append(Content.styled(again, "$text-error"))
    return Content("\n").join(parts)


def _rows(player: Player, progress: str) -> Iterator[Content]:
    step, played, play = player.step, player.played, player.play
    if isinstance(step, (Say, Summary)):
        yield from text(play, step.say if isinstance(step, Say) else step.summary)
        yield from text(play, step.note)
    elif isinstance(step, Expect):
        yield from _question(step, played, play)
    elif player.phase == "acting":
        answering = isinstance(step, (Ask, Correct, Raw))
        doing = player.words("screen-answering" if answering else "screen-working")
        yield Content.styled(progress or doing, "italic")
    elif played is not None and player.phase == "done":
        yield from _came(step, played, play)
    else:
        yield Content.assemble(("Enter ", "bold"), deed(step, player.words))


def text(play: Play, written: str, style: str = "") -> Iterator[Content]:
    """A lesson's text with its numbers: single line breaks in its file are spaces, blank lines
    stay. Nothing, while there is none.
    """
    paragraphs = words.visible(play.filled(written).strip()).split("\n\n")
    if whole := "\n\n".join(" ".join(part.split()) for part in paragraphs):
        yield Content.styled(whole, style)


def _question(step: Expect, played: Played | None, play: Play) -> Iterator[Content]:
    say = words_of(play.lesson.language)
    yield from text(play, step.expect, "bold")
    guess = played.guess if played is not None else None
    chosen = guess.guessed if guess is not None else None
    for number, option in enumerate(step.options, 1):
        mine = chosen is not None and option.id == chosen.id
        line = f"{number}  {words.one_line(play.filled(option.text))}"
        if mine:
            yield Content.styled(f"▸ {line}  ← {say('screen-mine')}", "bold")
        else:
            yield Content(f"  {line}")
    if chosen is None:
        yield Content.styled(say("screen-expect"), "italic")


def deed(step: Step, say: Words) -> str:
    """What the step will do, as the end of a sentence that begins with its key."""
    what = ""
    match step:
        case Ask():
            what = step.ask
        case Correct():
            what = step.send
        case Raw():
            what = step.raw
        case Settings():
            what = _settings(step, say)
        case Show():
            what = say(f"screen-view-{step.show}")
        case Prove():
            what = say.experiment(step.prove, EXPERIMENTS[step.prove].title)
        case Attach():
            what = step.attach
        case Retrieve():
            what = step.question
        case SavedNotes():
            return _notes(step, say)
        case _:
            pass
    return say(f"screen-does-{step.kind}", text=words.one_line(what.strip()))


def _notes(step: SavedNotes, say: Words) -> str:
    notes = " · ".join(words.one_line(note) for note in step.notes)
    return say("screen-does-notes" if notes else "screen-does-notes-off", text=notes)


def _settings(step: Settings, say: Words) -> str:
    return ", ".join(_setting(name, value, say) for name, value in step.given().items())


def _setting(name: str, value: object, say: Words) -> str:
    if name == "system":
        text = words.one_line(str(value).strip())
        return say("screen-system", text=text) if text else say("screen-no-system")
    shown = {True: "on", False: "off"}.get(value) if isinstance(value, bool) else None
    if isinstance(value, float):
        shown = f"{value:g}"  # 0, not 0.0
    return f"{name.replace('_', ' ')} {shown or value}"


def _came(step: Step, played: Played, play: Play) -> Iterator[Content]:
    """What a step did: numbers, words, and guesses that it met or contradicted."""
    say, outcome = words_of(play.lesson.language), played.outcome
    if isinstance(step, Raw) and outcome is not None:
        # On few lines: what is said about it has to be in sight as well.
        answer = " ↵ ".join(words.visible(outcome.text.strip()).split("\n"))
        yield Content.assemble((say("screen-answer"), "bold"), answer)
    if isinstance(step, Settings):
        yield Content(say("screen-set", text=_settings(step, say)))
    if isinstance(step, (NewSession, AnotherPerson, SwitchTo)) and not step.note:
        yield Content(f"✓ {say(f'does-{step.kind}')}")
    if isinstance(step, SavedNotes):
        yield Content(say("screen-notes" if step.notes else "screen-notes-off"))
    for guess in played.decides:
        yield from guessed(guess, play)
    yield from text(play, step.note)
    if outcome is not None:
        yield from _numbers(step, outcome, say)


def guessed(guess: Guess, play: Play) -> Iterator[Content]:
    """A guess that is decided: met, or contradicted, and why."""
    say = words_of(play.lesson.language)
    happened = words.one_line(play.filled(guess.happened.text)) if guess.happened else say("none")
    if guess.guessed is not None and guess.met:
        yield Content.styled(say("screen-met", option=happened), "bold $text-success")
    else:
        if guess.guessed is not None:
            mine = words.one_line(play.filled(guess.guessed.text))
            yield Content.styled(say("screen-missed", option=mine), "bold")
        yield Content.assemble((say("screen-happened"), "bold"), happened)
    if guess.happened is not None:
        yield from text(play, guess.happened.after)


def _numbers(step: Step, outcome: Outcome, say: Words) -> Iterator[Content]:
    values = outcome.values
    parts = []
    measure = getattr(step, "measure", None)
    for key, word in (("p_right", "right"), ("p_wrong", "wrong")):
        value = values.get(key)
        if measure is not None and isinstance(value, float):
            name = words.one_line(getattr(measure, word))
            parts.append(f"P({name}) {probability(value).replace('.', say('decimal'))}")
    sent, again = values.get("tokens_sent"), values.get("tokens_again")
    if isinstance(sent, int) and isinstance(again, int):
        parts.append(say("screen-sent", sent=_whole(sent, say), again=_whole(again, say)))
    if isinstance(tokens := values.get("part_tokens"), int):
        parts.append(say("screen-attached", count=values.get("parts"), tokens=_whole(tokens, say)))
    if isinstance(step, Prove):
        held, every = values.get("checks_held"), values.get("checks")
        parts.append(say("screen-checks", held=held, all=every))
    if parts:
        yield Content.styled(" · ".join(parts), "$foreground 75%")


def _whole(value: int, say: Words) -> str:
    """A count with its thousands apart, as the language writes them."""
    return f"{value:,}".replace(",", say("thousands"))


def keys(player: Player) -> tuple[Key, ...]:
    """The keys of this moment, the most important first."""
    say = player.words

    def key(name: str, label: str, action: str) -> Key:
        return Key(name, say(label), say(label), f"screen.lesson_{action}")

    if player.phase == "acting":
        return (key("Esc", "key-stop", "over"),)
    found = []
    if player.asking and isinstance(player.step, Expect):
        many = len(player.step.options)
        found += [key(f"1-{many}", "key-guess", "guess(1)"), key("Enter", "key-without", "next")]
    else:
        does = "key-do" if player.phase == "ready" and acts(player.step) else "key-next"
        found.append(key("Enter", does, "next"))
    if player.can_go_back:
        found.append(key("←", "key-back", "back"))
    found.append(key("Esc", "key-over", "over"))
    return tuple(found)
