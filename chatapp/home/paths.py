"""Which folder is home, and what lies where in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chatapp.errors import HomeError

__all__ = ["Home", "find_home"]

VARIABLE = "CHATAPP_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one installation. ``found`` says in words why it is this one."""

    root: Path
    found: str

    @property
    def models(self) -> Path:
        """Frozen weights. Chatting never writes here."""
        return self.root / "models"

    @property
    def transcripts(self) -> Path:
        """What was said, if somebody chose to keep it."""
        return self.root / "transcripts"

    @property
    def lessons(self) -> Path:
        """Lessons of one's own. Nothing is made here before somebody writes one."""
        return self.root / "lessons"

    @property
    def settings_file(self) -> Path:
        return self.root / "settings.toml"

    @property
    def notes_file(self) -> Path:
        """Notes that a person saved, to be pasted into new sessions."""
        return self.root / "notes.toml"

    @property
    def cache(self) -> Path:
        """Only what can be computed again; may be deleted at any time."""
        return self.root / "cache"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def engine_log(self) -> Path:
        """What llama.cpp prints while it loads and runs; never what was said."""
        return self.logs / "engine.log"

    def ensure(self) -> None:
        """Make the folders that are missing, private to the user.

        A read-only home is no error here: it can still be chatted in. Raises :class:`HomeError`
        if something that is not a folder is in the way.
        """
        for folder in (self.root, self.models, self.transcripts, self.cache, self.logs):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError):
                raise HomeError(f"{folder} should be a folder, but a file is there.") from None
            except OSError:
                continue


def find_home(explicit: str | None, env: Mapping[str, str], cwd: Path) -> Home:
    """The home to use; nothing is made or read.

    ``explicit`` (``--home``), else ``$CHATAPP_HOME``, else the nearest folder upwards from ``cwd``
    holding both ``models/`` and ``transcripts/``, else the platform's user data folder.
    Raises :class:`HomeError` if a named home is not a folder.
    """
    if explicit is not None:
        return Home(_named(explicit, "--home", cwd), "named with --home")
    if env.get(VARIABLE):
        return Home(_named(env[VARIABLE], f"${VARIABLE}", cwd), f"named in ${VARIABLE}")
    for folder in (cwd, *cwd.parents):
        if (folder / "models").is_dir() and (folder / "transcripts").is_dir():
            return Home(folder, "the nearest folder holding both models/ and transcripts/")
    import platformdirs  # only needed here

    return Home(Path(platformdirs.user_data_dir("chatapp", appauthor=False)), "your data folder")


def _named(name: str, by: str, cwd: Path) -> Path:
    try:
        path = cwd / Path(name).expanduser()
        wrong = not name or "\0" in name or (path.exists() and not path.is_dir())
    except (OSError, RuntimeError):  # too long a name; an unknown ~user
        wrong = True
    if wrong:
        raise HomeError(f"{by} must name a folder, and {name!r} is not one.")
    return path
