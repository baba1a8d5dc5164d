"""Conversations from elsewhere: files in, :class:`~chatapp.archive.records.ImportedSession` out.

Three kinds of file are read, one conversation at a time, whatever their size: message JSONL as used
for fine-tuning, the ``conversations.json`` of a ChatGPT data export, and the ``logs.db`` of the
command-line tool ``llm``. Nothing is stored here, and whatever is left out is counted.
"""

from chatapp.archive.importing.files import KINDS, Kind, Reading, read
from chatapp.archive.importing.skipped import Skipped

__all__ = ["KINDS", "Kind", "Reading", "Skipped", "read"]
