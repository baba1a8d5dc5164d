"""What every engine offers, local process or server: the only face that the rest sees."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Literal, Protocol

from chatapp.context.messages import Message
from chatapp.context.prompt import Prompt
from chatapp.engine.protocol import Event, Generate, Ready

State = Literal["stopped", "loading", "ready", "failed"]


class Engine(Protocol):
    """A stateless model: each request carries the whole transcript."""

    @property
    def state(self) -> State: ...

    @property
    def info(self) -> Ready | None:
        """What the engine said of itself when it was ready; ``None`` before."""

    @property
    def kind(self) -> Literal["local", "server"]: ...

    @property
    def starts(self) -> int:
        """How often a process was started; a restart changes no answer."""

    async def start(self) -> Ready:
        """Load the model if it is not loaded. Raises a ``ChatappError`` with the reason."""

    def generate(self, request: Generate) -> AsyncGenerator[Event, None]:
        """Answer. Events: ``Sent``, ``Prefill``…, ``Token``…, ``Done``.

        Starts the process again if it has died. Closing the generator early, or
        :meth:`cancel`, stops prefill and decode alike. Raises ``EngineError``.
        """

    async def cancel(self, request: Generate | None = None) -> None:
        """Stop ``request``, or everything that is being generated.

        Its stream ends with ``Done(reason="cancelled")``.
        """

    async def render(self, messages: Sequence[Message], *, answer: bool = True) -> Prompt | None:
        """The prompt for these messages, without running the model; None if not revealed.

        Answers while a reply is being generated as well.
        """

    async def close(self) -> None:
        """End the process or connection. The engine can be started again."""
