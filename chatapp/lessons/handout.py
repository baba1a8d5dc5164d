"""The hand-out: a lesson as it was played, on one page of HTML that loads nothing.

All text in it is escaped, that of the model and of the lesson's author alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from chatapp.lessons.outcome import Outcome
from chatapp.lessons.play import Guess, Play, Played
from chatapp.lessons.steps import (
    AnotherPerson,
    Attach,
    NewSession,
    Retrieve,
    SavedNotes,
    Settings,
    Step,
    SwitchTo,
)
from chatapp.lessons.words import Words, words_of
from chatapp.proofs.evidence import Block, Paragraph, Plot, Table
from chatapp.proofs.report.blocks import as_checks, as_paragraphs
from chatapp.proofs.report.files import write_file
from chatapp.proofs.report.page import document
from chatapp.proofs.report.plots import as_figure
from chatapp.proofs.report.setting import as_setting
from chatapp.proofs.report.tables import as_table
from chatapp.proofs.report.text import escaped, exact
from chatapp.proofs.report.text import words as html

_CHANGES = (NewSession, AnotherPerson, SwitchTo, Settings, SavedNotes, Attach, Retrieve)
_SHOWN = ("tokens_sent", "tokens_again", "total_sent", "p_right", "p_wrong")


def write_handout(path: Path, plays: Sequence[Play], *, made: str) -> None:
    """Write the page. Raises ``ChatappError``, and leaves what was there, if it cannot."""
    write_file(path, as_handout(plays, made=made).encode("utf-8", "replace"))


def as_handout(plays: Sequence[Play], *, made: str) -> str:
    """One page about these plays, in the language of the first. ``made`` says when."""
    words = words_of(plays[0].lesson.language)
    title = plays[0].lesson.title if len(plays) == 1 else words("course")
    sections = "".join(
        _lesson(one, words_of(one.lesson.language), n, alone=len(plays) == 1)
        for n, one in enumerate(plays)
    )
    header = f'<h1>{html(title)}</h1>\n<p class="quiet">chatapp · {html(made)}</p>\n'
    footer = f"<footer><p>{html(words('page-footer'))}</p></footer>\n"
    return document(title, header, f"<main>\n{sections}</main>\n{footer}", language=words.language)


def _lesson(play: Play, words: Words, number: int, *, alone: bool) -> str:
    lesson = play.lesson
    heading = "" if alone else f"<h2>{html(lesson.title)}</h2>"
    steps = "".join(_step(one, play, words, f"l{number}-{n}") for n, one in enumerate(play.steps))
    setting = as_setting(play.setting) if play.setting else ""
    went = "".join(
        f'<p class="quiet">{html(words(key, count=count))}</p>'
        for key, count in (("taken-back", play.taken_back), ("taken-over", play.taken_over))
        if count
    )
    return (
        f'<section>{heading}\n<p class="claim">{html(lesson.about)}</p>\n'
        f"{_guesses(play, words)}<h3>{html(words('what-happened'))}</h3>\n{steps}{went}"
        f"<h3>{html(words('repeat'))}</h3>\n"
        f'<pre class="command"><code>{escaped(f"chatapp lesson {lesson.name}")}</code></pre>'
        f"{setting}</section>\n"
    )


def _guesses(play: Play, words: Words) -> str:
    """The last page: what was guessed, and what happened."""
    if not play.guesses:
        return ""
    rows = [
        [
            guess.step.expect,
            guess.guessed.text if guess.guessed else words("no-guess"),
            guess.happened.text if guess.happened else words("none" if guess.decided else "open"),
            met(guess, words),
        ]
        for guess in play.guesses
    ]
    columns = [words(key) for key in ("question", "guessed", "happened", "met")]
    return as_table(Table(title=words("guesses"), columns=columns, rows=rows))


def met(guess: Guess, words: Words) -> str:
    """Whether a guess was met, in a word."""
    return words({True: "yes", False: "no", None: "no-guess"}[guess.met])


def _step(played: Played, play: Play, words: Words, ident: str) -> str:
    step = played.step
    parts = [as_paragraphs(Paragraph(text=play.says(step)))]
    if played.guess is not None:
        options = "".join(
            f"<li>{html(option.text)}{_chosen(played.guess, option.id, words)}</li>"
            for option in played.guess.step.options
        )
        parts = [f"<h4>{html(play.says(step))}</h4><ul>{options}</ul>"]
    if isinstance(step, _CHANGES):
        parts.insert(0, f'<p class="quiet">— {html(change(step, words))} —</p>')
    if played.outcome is not None:
        parts += [_outcome(played.outcome, words, ident)]
    for guess in played.decides:
        after = play.filled(guess.happened.after) if guess.happened else words("none")
        parts.append(f"<p><strong>{html(guess.step.expect)}</strong><br>{html(after)}</p>")
    if played.checks:
        parts.append(
            f"<details><summary>{html(words('checks', count=len(played.checks)))}</summary>"
            f"{as_checks(played.checks)}</details>"
        )
    return "".join(part for part in parts if part) + "\n"


def change(step: Step, words: Words) -> str:
    """What a step changed: the session, settings, or what goes along."""
    says = words(f"does-{step.kind}")
    match step:
        case Settings():
            given = [f"{name} = {value!r}" for name, value in step.given().items()]
            return f"{says}: {', '.join(given)}"
        case SavedNotes():
            return f"{says}: {' · '.join(step.notes)}" if step.notes else words("does-notes-off")
        case Attach():
            return f"{says}: {step.attach}"
        case Retrieve():
            return f"{says}: {step.question} ({step.retrieve})"
        case _:
            return says


def _chosen(guess: Guess, option: str, words: Words) -> str:
    marks = []
    if guess.guessed is not None and guess.guessed.id == option:
        marks.append(words("guessed"))
    if guess.happened is not None and guess.happened.id == option:
        marks.append(words("happened"))
    return f" <strong>← {html(', '.join(marks))}</strong>" if marks else ""


def _outcome(outcome: Outcome, words: Words, ident: str) -> str:
    parts = []
    if outcome.prompt:
        parts += [
            f'<p class="quiet">{html(words("typed"))}</p>',
            f'<pre class="prompt"><code>{exact(outcome.prompt)}</code></pre>',
            f'<p class="quiet">{html(words("answered"))}</p>',
            f'<pre class="answer"><code>{exact(outcome.text.strip())}</code></pre>',
            f'<p class="quiet">{_numbers(outcome, words)}</p>',
        ]
    if outcome.sent is not None:
        parts.append(
            f"<details><summary>{html(words('all-sent'))}</summary>"
            f'<pre class="prompt"><code>{exact(outcome.sent)}</code></pre></details>'
        )
    parts += [_block(block, f"{ident}-{n}") for n, block in enumerate(outcome.blocks)]
    if outcome.evidence is not None:
        evidence = outcome.evidence
        parts.append(
            f'<h4>{html(evidence.title)}</h4><p class="quiet">{html(evidence.claim)}</p>'
            f"<p>{html(evidence.because)} <code>{escaped(evidence.command)}</code></p>"
            f"{as_checks(evidence.checks)}"
        )
        parts += [
            _block(block, f"{ident}-e{n}")
            for n, block in enumerate(evidence.blocks)
            if isinstance(block, (Plot, Table))
        ]
    return "".join(parts)


def _numbers(outcome: Outcome, words: Words) -> str:
    known = [(name, outcome.values.get(name)) for name in _SHOWN]
    return " · ".join(
        f"{html(words.name(name))}: {escape(words.number(value))}"
        for name, value in known
        if isinstance(value, (int, float))
    )


def _block(block: Block, ident: str) -> str:
    match block:
        case Table():
            return as_table(block)
        case Plot():
            return as_figure(block, ident)
        case Paragraph():
            return as_paragraphs(block)
        case _:
            return ""
