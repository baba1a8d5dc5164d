"""Reading an export folder: its manifest, its records and its rows, one at a time.

Nothing that is read is trusted: what is not of the described form raises :class:`ExportError`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from chatapp.archive.exporting.fields import without_lacking
from chatapp.archive.exporting.folder import SCHEMA
from chatapp.archive.exporting.lines import line_of
from chatapp.archive.exporting.records import RECORDS_FILE
from chatapp.archive.exporting.shards import PARQUET, require_parquet
from chatapp.archive.exporting.split import SPLITS
from chatapp.archive.records import MANIFEST_FILE
from chatapp.errors import ExportError

_PARTS: Final[Mapping[str, type]] = {
    "export_id": str,
    "created": str,
    "format": str,
    "container": str,
    "split": dict,
    "counts": dict,
    "consents": list,
    "sources": list,
    "files": list,
}


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest, its outer form checked."""
    path = folder / MANIFEST_FILE
    try:
        manifest = json.loads(path.read_bytes())
    except OSError as error:
        raise ExportError(f"{folder} is not an export: {MANIFEST_FILE} cannot be read.") from error
    except (ValueError, RecursionError) as error:
        raise ExportError(f"{path} is not JSON.") from error
    schema = manifest.get("schema") if isinstance(manifest, dict) else None
    if schema != SCHEMA:
        raise ExportError(f"{path} is not a manifest that this version reads ({SCHEMA}).")
    for part, type_ in _PARTS.items():
        if not isinstance(manifest.get(part), type_):
            raise ExportError(f"{path} lacks {part!r}, or it is not of the described form.")
    for file in manifest["files"]:
        if not _is_file_entry(file):
            raise ExportError(f"{path} names a file in a form that is not the described one.")
    return dict(manifest)


def _is_file_entry(file: Any) -> bool:
    return (
        isinstance(file, dict)
        and all(isinstance(file.get(part), str) for part in ("name", "role", "sha256"))
        and all(type(file.get(part)) is int for part in ("rows", "bytes"))
        and file["name"] not in ("", ".", "..")
        and Path(file["name"]).name == file["name"]
        and "\\" not in file["name"]
    )


def data_files(folder: Path, manifest: Mapping[str, Any], split: str) -> list[Path]:
    """The files of a split, in the order of their rows."""
    return [folder / file["name"] for file in manifest["files"] if file["role"] == split]


def rows_of(path: Path, container: str) -> Iterator[bytes]:
    """The rows of a data file, each as its line of JSONL without the end."""
    if container != PARQUET:
        with path.open("rb") as lines:
            for line in lines:
                yield line.removesuffix(b"\n")
        return
    require_parquet()
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=2_000):
                for row in batch.to_pylist():
                    yield line_of(without_lacking(row))
    except (pyarrow.ArrowException, UnicodeError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the system's own, not the decoder's
        raise ExportError(f"{path.name} is not a readable Parquet file.") from error


def records_of(folder: Path) -> Iterator[bytes]:
    """The lines of the list of records."""
    with (folder / RECORDS_FILE).open("rb") as lines:
        for line in lines:
            yield line.removesuffix(b"\n")


def load(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of a canonical export, train before validation; each has its ``split`` besides.

    It takes the files as they are; :func:`verify` checks them. Raises :class:`ExportError`.
    """
    manifest = read_manifest(folder)
    if manifest["format"] != "canonical":
        raise ExportError(f"{folder} holds {manifest['format']}, not canonical records.")
    for split in SPLITS:
        for path in data_files(folder, manifest, split):
            try:
                for line in rows_of(path, manifest["container"]):
                    yield {"split": split, **json.loads(line)}
            except OSError as error:
                raise ExportError(f"{path} cannot be read: {error.strerror}.") from error
            except (ValueError, TypeError, RecursionError) as error:
                raise ExportError(f"{path} holds a row that is not JSON.") from error
