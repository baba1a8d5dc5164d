"""Files as they lie on the disk, read here and not by the engine: hashes, and adapters' papers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def file_hash(path: Path) -> str:
    """SHA-256 of a file as it is on disk now."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def adapters_beside(weights: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Where fine-tuned adapters lie beside a weight file, by name, and what their provenance says.

    What has no readable provenance is left out: the list of adapters says so.
    """
    for path in sorted((weights.parent / "adapters").glob("*/provenance.json")):
        try:
            told = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(told, dict):
            yield path.with_name("adapter.gguf"), told
