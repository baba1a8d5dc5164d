"""``chatapp lesson``: demonstrations that are played on the real model."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chatapp.cli.options import add_command, add_engine_options, home_of, open_home, settings_from
from chatapp.cli.recording import add_recording_options
from chatapp.cli.showing import add_showing_options
from chatapp.errors import ChatappError
from chatapp.home.settings import load_settings

if TYPE_CHECKING:
    from chatapp.lessons.library import Lessons
    from chatapp.lessons.steps import Lesson
    from chatapp.proofs.lab import Lab

__all__ = ["language_of", "lessons_of", "register"]


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        subparsers,
        "lesson",
        help="demonstrations, played on the real model",
        description="Play a lesson: it explains, asks what you expect, types for you, and shows "
        "what came. Every answer is the model's own, live. Without a name, it lists the course.",
        epilog="exit status of --headless: 0 all was as expected, 1 something was not\n\n"
        "examples:\n"
        "  chatapp lesson                                 the course, in its order\n"
        "  chatapp lesson correction                      play one\n"
        "  chatapp lesson correction --lang de            in German\n"
        "  chatapp lesson correction --handout page.html  and write down what happened\n"
        "  chatapp lesson --all --headless --twice        is everything still as expected?\n"
        "  chatapp lesson correction --record talk.cast   record it, playing by itself\n"
        "  chatapp lesson new my-lesson                   begin one of your own\n",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a lesson, or: new NAME")
    parser.add_argument("--all", action="store_true", help="the whole course")
    parser.add_argument("--lang", metavar="CODE", help="language of the words, for example de")
    how = parser.add_argument_group("how it is played")
    how.add_argument("--plain", action="store_true", help="in the terminal, as plain text")
    how.add_argument(
        "--headless", action="store_true", help="to its end, without questions; prints the checks"
    )
    how.add_argument("--twice", action="store_true", help="headless, twice: are the bits the same?")
    how.add_argument("--json", action="store_true", help="headless, printed as JSON")
    how.add_argument(
        "--handout", metavar="FILE", type=Path, help="write one page of HTML about what happened"
    )
    add_recording_options(parser)
    add_showing_options(parser)
    add_engine_options(parser)
    parser.set_defaults(run=_command)


def _command(args: argparse.Namespace) -> int:
    from chatapp.cli import lesson_play, lesson_text

    lessons = lessons_of(args)
    kept = load_settings(home_of(args).settings_file).language
    language = language_of(args.lang or kept, os.environ)
    if args.names[:1] == ["new"]:
        return _new(args)
    headless = args.headless or args.twice or args.json
    if not args.names and not args.all:
        if headless or args.plain or args.handout:
            raise ChatappError("Which lesson? Name one, or add --all.")
        print(lesson_text.listing(lessons, language))
        return 0
    _check_targets(args)
    chosen = _chosen(args, lessons, language)
    lesson_text.note_untranslated(chosen, language, sys.stderr)
    if headless:
        return lesson_play.headless(args, chosen, _lab(args))
    if len(chosen) > 1:
        raise ChatappError("One lesson at a time, unless --headless plays them.")
    if args.plain:
        return lesson_play.plain(args, chosen[0], _lab(args))
    from chatapp.cli import lesson_screen

    return lesson_screen.play(args, chosen[0], language)


def _check_targets(args: argparse.Namespace) -> None:
    """A page that cannot be written is said before a lesson is played, not behind it."""
    from chatapp.proofs.report.files import check_target

    for path in (args.handout, args.still):
        if path is not None:
            check_target(path)


def _chosen(args: argparse.Namespace, lessons: Lessons, language: str) -> list[Lesson]:
    if args.names:
        return [lessons.lesson(name, language) for name in args.names]
    found, errors = lessons.course(language)
    if errors:
        raise errors[0]
    return found


def _new(args: argparse.Namespace) -> int:
    from chatapp.lessons.scaffold import write_scaffold

    if len(args.names) != 2:
        raise ChatappError("What is the new lesson called? Try: chatapp lesson new my-lesson")
    home, _ = open_home(args)
    path = write_scaffold(home.lessons, args.names[1])
    print(f"Written: {path}\nPlay it: chatapp lesson {args.names[1]}")
    return 0


def lessons_of(args: argparse.Namespace) -> Lessons:
    """All lessons: the course's, and those of this home."""
    from chatapp.lessons.library import Lessons

    return Lessons(home_of(args).lessons)


def language_of(given: str | None, env: os._Environ[str] | dict[str, str]) -> str:
    """The language of a lesson's words: the one that is given, else that of the system."""
    named = given or next(
        (env[key] for key in ("LC_ALL", "LC_MESSAGES", "LANG") if env.get(key)), ""
    )
    code = named.replace("-", "_").partition(".")[0].partition("_")[0].lower()
    if code.isalpha() and code not in ("c", "posix"):
        return code
    if given:
        raise ChatappError(f"--lang takes a language's code, en or de, and {given!r} is not one.")
    return "en"


def _lab(args: argparse.Namespace) -> Lab:
    from chatapp.cli.first_run import ensure_model
    from chatapp.cli.opening import options_of
    from chatapp.engine.weights.library import Library
    from chatapp.proofs.lab import Lab

    home, settings = open_home(args)
    settings = settings_from(args, settings)
    weights = ensure_model(home, settings)
    base = Library(home.models, home.cache).base_model(weights)
    return Lab(weights, options_of(settings, home, weights), base=base, log=home.engine_log)
