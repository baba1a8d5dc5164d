from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.weights.maker import gguf


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A small, valid GGUF file."""
    path = tmp_path / "tiny.gguf"
    path.write_bytes(gguf())
    return path


@pytest.fixture
def unwritable() -> Iterator[Path]:
    """A folder with the model ``kept.gguf`` in which this process may not write.

    The superuser may write everywhere, so such a test gives up that right for its length.
    """
    if sys.platform == "win32":
        pytest.skip("folders are not protected by a mode here")
    folder = Path(tempfile.mkdtemp())  # tmp_path can be entered by its owner alone
    (folder / "kept.gguf").write_bytes(gguf())
    (folder / "kept.gguf").chmod(0o644)
    folder.chmod(0o555)
    superuser = os.geteuid() == 0
    if superuser:
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if superuser:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)
