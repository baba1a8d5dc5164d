"""Who may see the audience's view: whoever has the link, on this machine."""

from __future__ import annotations

import hmac
import secrets
import socket
from dataclasses import dataclass, field

from chatapp.errors import ShowingError

__all__ = ["Door"]

LOOPBACK = "127.0.0.1"


def _secret() -> str:
    return secrets.token_urlsafe(18)


@dataclass(frozen=True, slots=True)
class Door:
    """A port of this machine that is taken, and the secret of its link: new for every run."""

    socket: socket.socket
    secret: str = field(default_factory=_secret, repr=False)

    @classmethod
    def open(cls, port: int = 0) -> Door:
        """Take ``port``, or any that is free if it is 0. Raises :class:`ShowingError`."""
        taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind((LOOPBACK, port))
            taken.listen(16)
        except (OSError, OverflowError) as error:
            taken.close()
            why = getattr(error, "strerror", None) or str(error)
            raise ShowingError(
                f"The audience's view cannot use port {port} of this machine: {why}."
            ) from None
        taken.setblocking(False)
        return cls(taken)

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    @property
    def closed(self) -> bool:
        """Whether the port was given back."""
        return self.socket.fileno() < 0

    @property
    def link(self) -> str:
        """What to open in a browser."""
        return f"http://{LOOPBACK}:{self.port}/{self.secret}/"

    def knows(self, secret: str) -> bool:
        """Whether this is the secret of the link; takes as long for a wrong one as for the right.

        ``secret`` may be anything that somebody sent.
        """
        return hmac.compare_digest(
            secret.encode("utf-8", "surrogatepass"), self.secret.encode("ascii")
        )

    def is_host(self, host: str | None) -> bool:
        """Whether a request was meant for this machine by its address. A page elsewhere whose name
        was made to point here (DNS rebinding) names itself in the header.
        """
        return host in (f"{LOOPBACK}:{self.port}", f"localhost:{self.port}")
