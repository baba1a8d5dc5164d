"""The models folder: which weight files are there, which one is meant, and their hashes.

Chatting never writes here; only a pull adds a file. The folder may be read-only.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chatapp.engine.weights.catalogue import Catalogue, Entry, load_catalogue
from chatapp.engine.weights.gguf import read_header
from chatapp.engine.weights.header import Header
from chatapp.errors import GGUFError, WeightsError

__all__ = ["Installed", "Library", "Verdict"]

#: ``verified``: the catalogue's SHA-256; ``differs``: it has a catalogue model's file name but
#: other bytes; ``unknown``: the catalogue does not know it.
Verdict = Literal["verified", "differs", "unknown"]

_BLOCK = 2**20  # bytes


@dataclass(frozen=True, slots=True)
class Installed:
    """One file in the models folder. ``size`` in bytes; ``error`` says why it cannot be used."""

    path: Path
    size: int
    entry: Entry | None
    header: Header | None
    error: str | None


class Library:
    """The weight files in ``models_dir``; hashes are remembered in ``cache_dir``.

    ``catalogue`` is read on first use if it is not given, and may raise :class:`WeightsError`.
    """

    def __init__(
        self, models_dir: Path, cache_dir: Path, catalogue: Catalogue | None = None
    ) -> None:
        self.models_dir = models_dir
        self._cache_file = cache_dir / "hashes.json"
        self._catalogue = catalogue

    @property
    def catalogue(self) -> Catalogue:
        if self._catalogue is None:
            self._catalogue = load_catalogue(self.models_dir)
        return self._catalogue

    def installed(self) -> list[Installed]:
        """Every ``.gguf`` file in the folder, by name; also those that cannot be read."""
        return [self._look(path) for path in self._files()]

    def base_model(self, but: Path) -> Path | None:
        """An installed model that was not trained to chat, other than ``but``."""
        for one in self.installed():
            if one.error is None and one.entry and one.entry.kind == "base" and one.path != but:
                return one.path
        return None

    def _files(self) -> list[Path]:
        try:
            names = sorted(os.listdir(self.models_dir), key=str.lower)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise WeightsError(f"{self.models_dir} cannot be read: {error.strerror}.") from None
        return [
            self.models_dir / name
            for name in names
            if name.lower().endswith(".gguf") and not name.startswith(".")
        ]

    def _look(self, path: Path) -> Installed:
        try:
            header = read_header(path, with_vocabulary=False)
        except GGUFError as problem:
            size = path.stat().st_size if path.is_file() else 0
            return Installed(path, size, None, None, str(problem))
        error = None
        if header.file_kind != "model":
            error = f"{path} is not a whole model: it calls itself {header.file_kind!r}."
        entry = self.catalogue.by_file(path.name)
        if entry is None or entry.bytes != header.size:
            known = self._remembered(path)
            entry = self.catalogue.by_sha256(known) if known else None
        return Installed(path, header.size, entry, header, error)

    def find(self, name: str) -> Path | None:
        """The file that ``name`` means, or None.

        In this order: a catalogue name, a file name in the models folder, a file name there
        without ``.gguf`` (capitals do not matter), a path.
        """
        entry = self.catalogue.find(name)
        if entry is not None:
            path = self.models_dir / entry.file
            return path if path.exists() else None
        if not _looks_like_a_path(name):
            wanted = name.lower()
            for path in self._files():
                if wanted in (path.name.lower(), path.stem.lower()):
                    return path
        try:
            path = Path(name).expanduser()
            return path.absolute() if path.exists() else None
        except (OSError, ValueError, RuntimeError):  # too long, a NUL byte, an unknown ~user
            return None

    def resolve(self, name: str | None, default: str | None = None) -> Path:
        """The weight file to use: ``name``, else ``default``, else what is here.

        With neither, it is the catalogue's default model if it is here, else the one model that
        is. Raises :class:`WeightsError` that lists what is here. The file itself is not read.
        """
        wanted = name or default
        if wanted is None:
            path = self.models_dir / self.catalogue.default.file
            if path.exists():
                return path
            usable = [item.path for item in self.installed() if item.error is None]
            if len(usable) == 1:
                return usable[0]
            what = "Several models are here" if usable else "No usable model is here"
            raise WeightsError(f"{what}, so one must be named with -m. {self._what_is_here()}")
        found = self.find(wanted)
        if found is not None:
            return found
        entry = self.catalogue.find(wanted)
        if entry is not None:
            raise WeightsError(
                f"{entry.name} is not here yet: chatapp models pull {entry.name} fetches it. "
                f"{self._what_is_here()}"
            )
        raise WeightsError(f"There is no model {wanted!r}. {self._what_is_here()}")

    def _what_is_here(self) -> str:
        names = ", ".join(path.name for path in self._files())
        return f"In {self.models_dir}: {names or 'nothing'}."

    def sha256(
        self,
        path: Path,
        refresh: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> str:
        """SHA-256 of a file, in hexadecimal.

        It is remembered as long as the file's size, time of change and inode stay the same;
        ``refresh`` reads the file anyway. ``progress`` is told bytes done and bytes in all.
        Raises :class:`WeightsError` if the file cannot be read.
        """
        if not refresh and (known := self._remembered(path)):
            return known
        digest, done = hashlib.sha256(), 0
        try:
            if not path.is_file():  # a FIFO would be waited for
                raise WeightsError(f"There is no file {path}.")
            with path.open("rb") as file:
                before = os.fstat(file.fileno())
                while block := file.read(_BLOCK):
                    digest.update(block)
                    done += len(block)
                    if progress is not None:
                        progress(done, before.st_size)
                after = os.fstat(file.fileno())
        except OSError as error:
            raise WeightsError(f"{path} cannot be read: {error.strerror}.") from None
        if _identity(before) == _identity(after):
            self._remember(path, _identity(after), digest.hexdigest())
        return digest.hexdigest()

    def verify(self, path: Path, progress: Callable[[int, int], None] | None = None) -> Verdict:
        """Read the whole file and compare it with the catalogue; no remembered hash is believed."""
        found = self.sha256(path, refresh=True, progress=progress)
        if self.catalogue.by_sha256(found) is not None:
            return "verified"
        return "differs" if self.catalogue.by_file(path.name) is not None else "unknown"

    def _remembered(self, path: Path) -> str | None:
        try:
            known = self._read_cache().get(str(path.absolute()))
            if known is not None and known[0] == _identity(path.stat()):
                return known[1]
        except OSError:
            pass
        return None

    def _remember(self, path: Path, identity: list[int], sha256: str) -> None:
        known = {name: value for name, value in self._read_cache().items() if os.path.exists(name)}
        known[str(path.absolute())] = (identity, sha256)
        # A cache: if it cannot be written, the file is read again next time, and that is all.
        temporary = ""
        try:
            self._cache_file.parent.mkdir(mode=0o700, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._cache_file.parent, prefix=".hashes-")
            with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
                json.dump(known, file, indent=1)
            os.replace(temporary, self._cache_file)
        except OSError:
            if temporary:
                Path(temporary).unlink(missing_ok=True)

    def _read_cache(self) -> dict[str, tuple[list[int], str]]:
        """What is remembered; anything that does not look right is left out."""
        try:
            document = json.loads(self._cache_file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        known: dict[str, tuple[list[int], str]] = {}
        for name, value in document.items() if isinstance(document, dict) else ():
            match value:
                case [[int() as size, int() as mtime, int() as inode], str(sha256)]:
                    if re.fullmatch(r"[0-9a-f]{64}", sha256):
                        known[name] = ([size, mtime, inode], sha256)
        return known


def _identity(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def _looks_like_a_path(name: str) -> bool:
    return name.startswith("~") or "/" in name or os.sep in name
