"""Where a lesson is played: what the player asks of it. Headless, or the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chatapp.context.parts import Part
from chatapp.conversation import Conversation, Node
from chatapp.conversation.corrections import Correction
from chatapp.lessons.outcome import Outcome
from chatapp.lessons.steps import Settings
from chatapp.proofs.asking import Answer
from chatapp.proofs.evidence import Evidence
from chatapp.proofs.lab import Lab


class Stage(Protocol):
    """Sessions on one engine. The player calls one method at a time, and awaits it.

    A stage shows what happens as it happens (a reply streams in); it decides nothing. Every method
    may raise a ``ChatappError``, whose sentence the player hands on; the step is then not done.
    """

    @property
    def lab(self) -> Lab:
        """The weight file, its engine, and more engines for experiments."""

    @property
    def conversation(self) -> Conversation:
        """The session that is in front, as it stands."""

    async def begin(self, settings: Settings) -> None:
        """A fresh session called ``first``, and nothing else. The settings are the lesson's: fixed
        ones (:data:`~chatapp.lessons.sessions.FIXED`), and ``settings`` over them.
        """

    @property
    def attached(self) -> Sequence[Part]:
        """What goes with the next message of the session in front."""

    async def attach(self, parts: Sequence[Part]) -> None:
        """Put parts to the next message; passages take the place of earlier passages."""

    async def save_notes(self, notes: Sequence[str]) -> None:
        """Sessions that are opened from here on begin with these saved notes."""

    async def send(self, text: str) -> Node:
        """Type ``text`` and send it, with what is attached; the reply, when it has ended."""

    async def correct(self, correction: Correction) -> Node:
        """Correct a reply by sending ``correction.said``; the reply to that."""

    async def open_session(self, name: str, *, person: bool) -> None:
        """An empty session in front, with the settings as they are; the others stay open.
        ``person``: it belongs to another person.
        """

    async def switch(self, name: str) -> None:
        """Bring an open session to the front."""

    async def change(self, settings: Settings) -> None:
        """Change settings for all sessions of the lesson, from the next turn on."""

    async def raw(self, text: str) -> Answer:
        """Send ``text`` without the chat template, beside the session."""

    async def show(self, view: str, outcome: Outcome) -> None:
        """Open a view; ``outcome`` holds its numbers and blocks, measured by the player."""

    async def prove(self, name: str, facts: tuple[str, ...]) -> Evidence:
        """Run the experiment of this name."""

    def snapshot(self) -> object:
        """How everything stands: the sessions, their transcripts, the one in front, settings."""

    async def restore(self, snapshot: object) -> None:
        """Put it back as it stood then. What was sent stays counted as sent."""
