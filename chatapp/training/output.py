"""The folder that is written: worked on beside its place, and moved there when it is whole."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from chatapp.errors import TrainingError

PROVENANCE: Final = "provenance.json"
ADAPTER: Final = "adapter.gguf"
_JOB: Final = "job.json"


class Output:
    """``target`` is the adapter's folder, ``partial`` where it is worked on until then."""

    def __init__(self, target: Path) -> None:
        self.target = Path(os.path.abspath(target))
        self.partial = self.target.with_name(f".partial-{self.target.name}")

    def check(self, *, replace: bool) -> None:
        """Refuse a target that is something else. Raises :class:`TrainingError`."""
        if not self.target.name:
            raise TrainingError("The root of a disk cannot be an adapter's folder.")
        if not self.target.exists():
            return
        if not self.target.is_dir():
            raise TrainingError(f"{self.target} is a file; an adapter is written as a folder.")
        if not any(self.target.iterdir()):
            return
        if not (self.target / PROVENANCE).is_file():
            raise TrainingError(f"{self.target} is not empty, and no adapter of this job.")
        if not replace:
            raise TrainingError(
                f"{self.target} is there already. Choose another, or say --replace."
            )

    def begin(self, job: Mapping[str, Any], *, resume: bool, replace: bool) -> None:
        """Make the folder to work in, or find it again. ``job`` must then be the same one."""
        self.check(replace=replace)
        try:
            if self.partial.exists() and not resume:
                if not replace:
                    raise TrainingError(
                        f"There is an unfinished run in {self.partial}. Go on with it (--resume), "
                        "or begin anew (--replace)."
                    )
                shutil.rmtree(self.partial)
            if resume:
                self._same(job)
                return
            self.partial.mkdir(parents=True, mode=0o700)
            self.write(_JOB, json.dumps(job, indent=1) + "\n")
        except OSError as error:
            raise TrainingError(
                f"{self.partial} cannot be written: {error.strerror or error}."
            ) from error

    def _same(self, job: Mapping[str, Any]) -> None:
        if not self.partial.exists():
            raise TrainingError(f"There is no unfinished run of {self.target}; leave --resume out.")
        try:
            begun = json.loads((self.partial / _JOB).read_bytes())
        except (OSError, ValueError):
            begun = {}
        for key, value in json.loads(json.dumps(job)).items():
            if begun.get(key) != value:
                raise TrainingError(
                    f"The unfinished run of {self.target} has another {key}; it cannot go on so. "
                    "Begin anew with --replace."
                )

    def write(self, name: str, text: str) -> None:
        """A file of the folder, whole or not at all. Raises :class:`TrainingError`."""
        path = self.partial / name
        aside = path.with_name(f".{path.name}.part")
        try:
            with aside.open("w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except OSError as error:
            raise TrainingError(f"{path} cannot be written: {error.strerror}.") from error

    def read(self, name: str) -> Any:
        """A file of the folder as JSON, ``None`` if it is not there or not whole."""
        try:
            return json.loads((self.partial / name).read_bytes())
        except (OSError, ValueError):
            return None

    def finish(self) -> None:
        """Leave only what belongs to the adapter, and move it to its place."""
        for name in ("checkpoints", "plan.json", "trained.json", _JOB):
            path = self.partial / name
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(
                missing_ok=True
            )
        replaced = self.target.with_name(f".replaced-{self.target.name}")
        try:
            shutil.rmtree(replaced, ignore_errors=True)
            if self.target.exists():
                self.target.rename(replaced)
            self.partial.rename(self.target)
        except OSError as error:
            raise TrainingError(f"{self.target} cannot be written: {error.strerror}.") from error
        shutil.rmtree(replaced, ignore_errors=True)
