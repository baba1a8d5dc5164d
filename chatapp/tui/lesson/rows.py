"""What the lesson's strip says, from the player's state. Pure: no widget, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from textual.content import Content

from chatapp.lessons.acting import acts
from chatapp.lessons.outcome import Outcome
from chatapp.lessons.play import Guess, Played
from chatapp.lessons.player import Player
from chatapp.lessons.steps import (
    AnotherPerson,
    Ask,
    Correct,
    Expect,
    NewSession,
    Prove,
    Raw,
    Say,
    Settings,
    Show,
    Step,
    Summary,
    SwitchTo,
)
from chatapp.tui import words
from chatapp.tui.proof_rows import probability
from chatapp.tui.widgets.keybar import Key

__all__ = ["AWAY", "VIEWS", "deed", "guessed", "keys", "place", "rows"]

Fill = Callable[[str], str]
"""Puts the numbers that are known by now into a lesson's words."""

AWAY: Final = "The lesson waits here. ^T goes on with it; what was said meanwhile is taken back."
VIEWS: Final = {
    "context": "what the model receives",
    "meter": "the meter: how full the window is",
    "next-token": "the probabilities of the next token",
    "weights": "the weight file, and its hash",
    "costs": "what it costs",
    "log": "what is kept on the disk",
}


def place(player: Player) -> str:
    """Where the lesson is."""
    return f"step {player.at + 1} of {len(player.lesson.steps)}"


def rows(player: Player, *, progress: str = "", error: str = "") -> Content:
    """The words of the step that is shown. ``progress``: what the step does just now."""
    if player.phase == "away":
        return Content(AWAY)
    parts = [*_rows(player, progress)]
    if error:
        parts.append(Content.styled(f"✗ {words.one_line(error)} Enter tries again.", "$text-error"))
    return Content("\n").join(parts)


def _rows(player: Player, progress: str) -> Iterator[Content]:
    step, played, fill = player.step, player.played, player.play.filled
    if isinstance(step, (Say, Summary)):
        yield from _text(fill, step.say if isinstance(step, Say) else step.summary)
        yield from _text(fill, step.note)
    elif isinstance(step, Expect):
        yield from _question(step, played, fill)
    elif player.phase == "acting":
        yield Content.styled(progress or _doing(step), "italic")
    elif played is not None and player.phase == "done":
        yield from _came(step, played, fill)
    else:
        yield Content.assemble(("Enter ", "bold"), deed(step))


def _text(fill: Fill, text: str, style: str = "") -> Iterator[Content]:
    """A lesson's text: single line breaks in its file are spaces, blank lines stay."""
    paragraphs = words.visible(fill(text).strip()).split("\n\n")
    if whole := "\n\n".join(" ".join(part.split()) for part in paragraphs):
        yield Content.styled(whole, style)


def _question(step: Expect, played: Played | None, fill: Fill) -> Iterator[Content]:
    yield from _text(fill, step.expect, "bold")
    guess = played.guess if played is not None else None
    chosen = guess.guessed if guess is not None else None
    for number, option in enumerate(step.options, 1):
        mine = chosen is not None and option.id == chosen.id
        line = f" {number}  {words.one_line(fill(option.text))}"
        yield Content.styled(f"▸{line}  ← your guess", "bold") if mine else Content(f" {line}")
    if chosen is None:
        yield Content.styled("What do you expect? Press its number.", "italic")


def deed(step: Step) -> str:
    """What the step will do, as the end of a sentence that begins with its key."""
    match step:
        case Ask():
            return f"sends: “{words.one_line(step.ask)}”"
        case Correct():
            return f"corrects it: “{words.one_line(step.send)}”"
        case Raw():
            return f"sends this alone, without the chat template: “{words.one_line(step.raw)}”"
        case NewSession():
            return "begins a new session: an empty transcript."
        case AnotherPerson():
            return "lets another person begin a session, on the same model."
        case SwitchTo():
            return f"goes back to the session “{words.one_line(step.switch)}”."
        case Settings():
            return f"sets: {_settings(step)}."
        case Show():
            return f"shows {VIEWS[step.show]}."
        case Prove():
            return f"runs the experiment “{words.one_line(step.prove)}” on this model."
    return "goes on."


def _settings(step: Settings) -> str:
    named = {name.replace("_", " "): value for name, value in step.given().items()}
    shown = {True: "on", False: "off", "": "none"}
    return ", ".join(
        f"{name} {shown.get(value, value) if isinstance(value, (bool, str)) else value}"
        for name, value in named.items()
    )


def _doing(step: Step) -> str:
    answering = isinstance(step, (Ask, Correct, Raw))
    return "The model answers… (Esc stops it)" if answering else "Under way…"


def _came(step: Step, played: Played, fill: Fill) -> Iterator[Content]:
    """What a step did: numbers, words, and guesses that it met or contradicted."""
    outcome = played.outcome
    if isinstance(step, Raw) and outcome is not None:
        yield Content.assemble(("answer: ", "bold"), words.visible(outcome.text.strip()))
    if isinstance(step, Settings):
        yield Content(f"Set: {_settings(step)}.")
    for guess in played.decides:
        yield from guessed(guess, fill)
    yield from _text(fill, step.note)
    if outcome is not None:
        yield from _numbers(step, outcome)


def guessed(guess: Guess, fill: Fill) -> Iterator[Content]:
    """A guess that is decided: met, or contradicted, and why."""
    happened = words.one_line(fill(guess.happened.text)) if guess.happened else "none of these"
    if guess.guessed is None:
        yield Content.assemble(("What happened: ", "bold"), happened)
    elif guess.met:
        yield Content.styled(f"✓ As you guessed: {happened}", "bold $text-success")
    else:
        mine = words.one_line(fill(guess.guessed.text))
        yield Content.styled(f"✗ You guessed: {mine}", "bold")
        yield Content.assemble(("What happened: ", "bold"), happened)
    if guess.happened is not None:
        yield from _text(fill, guess.happened.after)


def _numbers(step: Step, outcome: Outcome) -> Iterator[Content]:
    values = outcome.values
    parts = []
    measure = getattr(step, "measure", None)
    for key, word in (("p_right", "right"), ("p_wrong", "wrong")):
        value = values.get(key)
        if measure is not None and isinstance(value, float):
            name = words.one_line(getattr(measure, word))
            parts.append(f"P({name}) {probability(value)}")
    sent, again = values.get("tokens_sent"), values.get("tokens_again")
    if isinstance(sent, int) and isinstance(again, int):
        parts.append(f"{sent:,} tokens sent, {again:,} of them again")
    if isinstance(step, Prove):
        parts.append(f"{values.get('checks_held')} of {values.get('checks')} checks held")
    if parts:
        yield Content.styled(" · ".join(parts), "$foreground 75%")


def keys(player: Player) -> tuple[Key, ...]:
    """The keys of this moment, the most important first."""
    found = []
    if player.phase == "acting":
        return (Key("Esc", "stop", "stop", "screen.lesson_over"),)
    if player.asking and isinstance(player.step, Expect):
        many = len(player.step.options)
        found.append(Key(f"1-{many}", "your guess", "guess", "screen.lesson_guess(1)"))
        found.append(Key("Enter", "go on without", "skip", "screen.lesson_next"))
    else:
        does = "do it" if player.phase == "ready" and acts(player.step) else "next"
        found.append(Key("Enter", does, does, "screen.lesson_next"))
    if player.can_go_back:
        found.append(Key("←", "back", "back", "screen.lesson_back"))
    found.append(Key("Esc", "take over", "yours", "screen.lesson_over"))
    return tuple(found)
