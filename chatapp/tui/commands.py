"""Every command of the main screen, once: keys, palette and the line of keys come from here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Command:
    """Something a person can ask for. ``action`` is a method ``action_…`` of the main screen."""

    action: str
    title: str
    meaning: str
    keys: str = ""
    priority: bool = True


COMMANDS: Final = (
    Command("send", "Send", "The whole conversation goes, your message at its end"),
    Command(
        "new_session",
        "New session",
        "Start with an empty transcript; nothing comes with you",
        "ctrl+n",
    ),
    Command("toggle_context", "What the model receives", "Show or hide the request", "f2"),
    Command(
        "next_depth",
        "Messages, prompt or tokens",
        "Show the same request at another depth",
        "f6",
    ),
    Command(
        "choice",
        "How a token was chosen",
        "Probabilities, cuts and draw of each token of the selected (or last) reply",
        "f7",
    ),
    Command("stop", "Stop the reply", "Keep what was said so far", "escape", priority=False),
    Command("regenerate", "Answer again", "Keep the earlier answer beside the new one", "ctrl+r"),
    Command(
        "edit",
        "Edit and send again",
        "Change your last (or the selected) message; the old branch is kept",
        "ctrl+e",
        priority=False,
    ),
    Command(
        "correct",
        "Correct it",
        "Tell the right answer to the selected (or last) reply: a message like any other",
        "ctrl+k",
    ),
    Command(
        "prove",
        "Prove it",
        "Compare the latest correction with a new session; without one, the experiments",
        "ctrl+o",
    ),
    Command(
        "experiments",
        "Experiments",
        "Claims about this model, tested here with its own weights",
        "ctrl+g",
    ),
    Command(
        "costs",
        "What it costs",
        "Arithmetic and time of this chat, beside its model's training; with the formulas",
    ),
    Command("earlier_answer", "Earlier answer", "Show the answer before this one", "alt+left"),
    Command("later_answer", "Later answer", "Show the answer after this one", "alt+right"),
    Command("copy", "Copy the message", "The selected message, or the last reply", "f8"),
    Command("copy_all", "Copy the conversation", "As plain text, roles included"),
    Command("copy_request", "Copy the request", "At the depth shown: JSON, prompt or token ids"),
    Command("select_earlier", "Select the message above", "For copy, edit and the rest", "ctrl+up"),
    Command("select_later", "Select the message below", "For copy, edit and the rest", "ctrl+down"),
    Command("show_earlier", "Show earlier messages", "Long conversations show their end first"),
    Command(
        "log",
        "What is kept of this session",
        "Off, kept, or kept + training: what each means, and changing it",
        "ctrl+l",
    ),
    Command(
        "save",
        "Save the conversation",
        "To a file of your own: Markdown, JSON or HTML, whatever the log says",
        "ctrl+s",
    ),
    Command(
        "mark_good",
        "Mark the reply as good",
        "The selected (or last) reply of a kept session, with a reason if you like",
    ),
    Command(
        "mark_bad",
        "Mark the reply as bad",
        "The selected (or last) reply of a kept session, with a reason if you like",
    ),
    Command(
        "review",
        "Review what may leave",
        "Each correction and marked reply before and after redaction; approve, edit or skip",
    ),
    Command(
        "attach",
        "Attach a file",
        "Text, Markdown, code or PDF, as a part of your message (/attach PATH)",
    ),
    Command(
        "search",
        "Search documents",
        "Passages that fit what you write, from a folder of yours (/search QUESTION)",
    ),
    Command(
        "retrieve",
        "Retrieve for each question, on or off",
        "Passages from a folder with each message, shown before they go (/retrieve FOLDER)",
    ),
    Command("detach", "Take the last attachment off", "What was attached is not sent then"),
    Command(
        "unfold",
        "Show what was attached",
        "The files and passages of the selected (or last) message, as they were sent",
    ),
    Command(
        "notes",
        "Saved notes",
        "Pasted into the system prompt of each new session, if switched on",
    ),
    Command(
        "tools",
        "Tools on or off",
        "A calculator and a clock: the model asks in text, a program answers in text",
    ),
    Command("sessions", "Sessions", "Those open in this run; F5 again: those stored", "f5"),
    Command(
        "stored",
        "Stored sessions",
        "Find, reopen, rename, tag and delete what was kept",
    ),
    Command("previous_session", "Previous session", "Go to the session before", "ctrl+pageup"),
    Command("next_session", "Next session", "Go to the session after", "ctrl+pagedown"),
    Command(
        "reuse",
        "Arithmetic cache on or off",
        "Off: all is computed afresh every turn. The same answer, later",
        "f9",
    ),
    Command(
        "presenter",
        "Presenter mode on or off",
        "For a projector: few panels, much air, high contrast. Nothing else changes",
    ),
    Command(
        "audience",
        "The audience's view",
        "A link for a browser on this machine: this screen, as large as the window, to look at",
    ),
    Command(
        "lesson",
        "Lessons",
        "Demonstrations on this model, step by step; or back to the one that waits",
        "ctrl+t",
    ),
    Command(
        "leave_lesson",
        "Leave the lesson",
        "Its sessions stay open",
    ),
    Command("models", "Model", "Choose another model", "f3"),
    Command("settings", "Settings", "System prompt, temperature, window and the rest", "f4"),
    Command("help", "Help", "Keys and words", "f1"),
)


def bindings() -> Iterator[Binding]:
    """The bindings of the main screen."""
    for command in COMMANDS:
        if command.keys:
            yield Binding(
                command.keys,
                command.action,
                command.title,
                show=False,
                priority=command.priority,
                tooltip=command.meaning,
            )


_NAMES: Final = {
    "escape": "Esc",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "alt": "Alt",
    "ctrl": "Ctrl",
    "shift": "Shift",
    "enter": "Enter",
    "plus": "+",
    "minus": "-",
}


def key_name(keys: str) -> str:
    """A key as it is printed on keyboards: ``^N``, ``Alt+←``, ``F2``."""
    parts = keys.split("+")
    if len(parts) == 2 and parts[0] == "ctrl" and len(parts[1]) == 1:
        return f"^{parts[1].upper()}"
    return "+".join(_NAMES.get(part, part.upper()) for part in parts)
