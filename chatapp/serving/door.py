"""The way in: a link that is printed once, exchanged for a cookie by the browser that opens it.

Only hashes of links and cookies are kept, and they are compared in constant time. Nothing here
outlives the run.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from chatapp.errors import ChatappError
from chatapp.serving.limits import Limits, Visitor

__all__ = ["Door", "NotAdmitted"]

_BYTES = 18
"""Of chance in a link: 144 bits, 24 characters."""
_MINUTE = 60.0

UNKNOWN = "This link is not valid. Ask the person who runs this chat for the one that is."
SPENT = "This link has let in everyone that it was made for. Ask for another one."
CLOSED = "The time for joining with this link is over. Ask for another one."
NO_COOKIE = "You have not been let in yet: open the link that you were given."


class NotAdmitted(ChatappError):
    """Somebody cannot come in; the text says why."""


@dataclass(slots=True)
class _Link:
    digest: bytes
    uses: int
    until: float


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


class Door:
    """Who may come in, and who has."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self.visitors: list[Visitor] = []
        self._links: list[_Link] = []
        self._cookies: list[tuple[bytes, Visitor]] = []
        self._clock = clock

    def new_link(self, uses: int) -> str:
        """The secret of a link that lets ``uses`` browsers in, for ``link_minutes``."""
        secret = secrets.token_urlsafe(_BYTES)
        until = self._clock() + self.limits.link_minutes * _MINUTE
        self._links.append(_Link(_digest(secret), uses, until))
        return secret

    def look(self, secret: str) -> None:
        """See whether this link lets anybody in; it is not used up by looking.

        Raises :class:`NotAdmitted`.
        """
        self._link(secret)

    def _link(self, secret: str) -> _Link:
        found, digest = None, _digest(secret)
        for link in self._links:  # all of them: how long it takes tells nothing
            if hmac.compare_digest(link.digest, digest):
                found = link
        if found is None:
            raise NotAdmitted(UNKNOWN)
        if self._clock() >= found.until:
            raise NotAdmitted(CLOSED)
        if found.uses < 1:
            raise NotAdmitted(SPENT)
        return found

    def admit(self, secret: str) -> tuple[Visitor, str]:
        """Let a browser in, once per use of the link: the visitor, and the cookie's secret.

        Raises :class:`NotAdmitted`.
        """
        link = self._link(secret)
        link.uses -= 1
        visitor = Visitor(
            number=len(self.visitors) + 1,
            scope=secrets.token_hex(8),
            limits=self.limits,
            joined=self._clock(),
            clock=self._clock,
        )
        cookie = secrets.token_urlsafe(_BYTES)
        self.visitors.append(visitor)
        self._cookies.append((_digest(cookie), visitor))
        return visitor, cookie

    def who(self, cookie: str | None) -> Visitor:
        """Whose cookie this is. Raises :class:`NotAdmitted`: not let in, or the time is over."""
        found, digest = None, _digest(cookie or "")
        for known, visitor in self._cookies:
            if hmac.compare_digest(known, digest):
                found = visitor
        if found is None:
            raise NotAdmitted(NO_COOKIE)
        if why := found.over():
            raise NotAdmitted(why)
        return found
