"""What the screen is given by whoever starts it. Nothing here is imported at run time but types."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from chatapp.context.overflow import Policy
    from chatapp.engine.counter import Counter
    from chatapp.engine.interface import Engine
    from chatapp.engine.protocol import Sampling
    from chatapp.lessons.library import Lessons
    from chatapp.lessons.play import Play
    from chatapp.lessons.steps import Lesson
    from chatapp.showing.access import Door
    from chatapp.tui.dialogs.model_rows import ModelRow


@dataclass(frozen=True, slots=True)
class Values:
    """The settings of a conversation. ``window`` None: the engine chooses.

    ``reuse``: whether the arithmetic cache may be used, by all conversations. ``tools``: whether a
    new conversation begins with tools.
    """

    system: str
    sampling: Sampling
    policy: Policy
    window: int | None
    reuse: bool = True
    tools: bool = False


class Chosen(NamedTuple):
    """The weights to use: a model's name or path, the path of an adapter (None: the base alone),
    and what the adapter is multiplied by.
    """

    model: str
    adapter: str | None = None
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be talked to. ``label`` is how the header calls it.

    ``mark`` gives the SHA-256 of the weight file as it is on disk now (called on a thread); None
    for a server, whose weights nobody here can see. ``hash_of`` hashes an adapter's file.
    """

    engine: Engine
    counter: Counter
    label: str
    mark: Callable[[], str] | None = None
    hash_of: Callable[[Path], str] | None = None


@dataclass(frozen=True, slots=True)
class Autoplay:
    """A lesson plays by itself: ``pace`` 1 leaves time to read, 0 none. ``still``: where a picture
    of the last page is written.
    """

    pace: float = 1.0
    still: Path | None = None


OpenModel = Callable[[str, int | None], Awaitable[Model]]
"""Make the engine and counter for a model's name or path and a window; loads nothing yet. The
adapter is the one that was kept last for it.

Raises a ``ChatappError`` with the reason.
"""


@dataclass(frozen=True, slots=True)
class Given:
    """What the screen needs from outside.

    ``open_model``, ``values`` and ``models`` (the rows to choose from) are called after the first
    frame, so that they may import what they need. ``base`` finds an installed model that was not
    trained to chat, other than the one of that path. ``keep_values``, ``keep_model``,
    ``keep_theme`` and ``keep_presenter`` are told of choices that should outlive this run; they may
    raise a ``ChatappError``. ``transcripts`` is where sessions are kept whose person says so,
    ``notes`` the file of saved notes, ``cache`` a folder for what can be made again. ``audience``:
    the audience's view is opened at once, at this door. ``lessons`` finds lessons, in ``language``;
    ``play`` is begun at once, by itself with ``autoplay``. ``handout`` writes a page about a lesson
    that was played (it may raise a ``ChatappError``): to ``handout_path`` when the last page is
    reached, if one is given.
    """

    open_model: OpenModel
    model: str
    values: Callable[[], Values]
    label: str = ""
    models: Callable[[], Sequence[ModelRow]] | None = None
    base: Callable[[Path], Path | None] | None = None
    keep_values: Callable[[Values], None] | None = None
    keep_model: Callable[[Chosen], None] | None = None
    keep_theme: Callable[[str], None] | None = None
    keep_presenter: Callable[[bool], None] | None = None
    theme: str | None = None
    presenter: bool = False
    audience: Door | None = None
    lessons: Callable[[], Lessons] | None = None
    language: str = "en"
    play: Lesson | None = None
    autoplay: Autoplay | None = None
    handout: Callable[[Path, Play], None] | None = None
    handout_path: Path | None = None
    transcripts: Path | None = None
    notes: Path | None = None
    cache: Path | None = None
