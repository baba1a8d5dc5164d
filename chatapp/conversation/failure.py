"""Why a reply broke off, in words."""

from __future__ import annotations

from chatapp.engine.ending import how
from chatapp.errors import ChatappError, EngineDied, HostGone

__all__ = ["why"]

_DIED = (
    "The model process {how} in the middle of this reply. Nothing said is lost: the transcript is "
    "here, not in the model. The next request starts a new process and sends it all again."
)
_AGAIN = " If that crashes as well, chatapp doctor says more."


def why(error: ChatappError) -> str:
    """What stands below a reply that this error ended."""
    if not isinstance(error, EngineDied) or isinstance(error, HostGone):
        return str(error)
    return _DIED.format(how=how(error.crash)) + (_AGAIN if error.crash else "")
