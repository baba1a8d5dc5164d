"""Every error chatapp raises on purpose, in one tree.

::

    ChatappError                 one clear sentence for a person; never a traceback
    ├── ContextError             what would be sent cannot be built
    │   ├── TemplateError        the chat template is broken, hostile or refuses these messages
    │   └── WindowError          the prompt does not fit the context window
    ├── WeightsError             a weight file cannot be used
    │   ├── GGUFError            it is not a readable GGUF file (truncated, garbage, hostile)
    │   ├── AdapterError         it is not a LoRA adapter that can be added to these weights
    │   └── PullError            a model could not be fetched, or what came is not what was named
    ├── EngineError              the model process answered with an error
    │   ├── EngineDied           the model process ended without an answer
    │   │   └── HostGone         it is somebody else's, who has gone
    │   └── ServerError          an OpenAI-compatible server refused or broke off
    ├── LessonError              a lesson's file is not one, or cannot be found
    ├── HomeError                a folder or settings file of ours cannot be used
    ├── SourceError              a file, folder or note cannot become part of what is sent
    ├── TrainingError            a fine-tuning job cannot run, or its result cannot be written
    └── ArchiveError             a transcript cannot be kept, read, exported or imported
        ├── StoreError           the store is locked, read-only, full, damaged or too new
        ├── ExportError          an export cannot be written, or is not what its manifest says
        └── ImportFileError      a file is not what it was imported as
"""

from __future__ import annotations

__all__ = [
    "AdapterError",
    "ArchiveError",
    "ChatappError",
    "ContextError",
    "EngineDied",
    "EngineError",
    "ExportError",
    "GGUFError",
    "HomeError",
    "HostGone",
    "ImportFileError",
    "LessonError",
    "PullError",
    "ServerError",
    "SourceError",
    "StoreError",
    "TemplateError",
    "TrainingError",
    "WeightsError",
    "WindowError",
]


class ChatappError(Exception):
    """Root of the tree. ``str(error)`` is a sentence to show to a person."""


class ContextError(ChatappError):
    """What would be sent to the model cannot be built."""


class TemplateError(ContextError):
    """The chat template is broken, hostile, too slow, or refuses these messages."""


class WindowError(ContextError):
    """The prompt does not fit the context window.

    ``needed`` and ``available`` are token counts.
    """

    def __init__(self, message: str, *, needed: int, available: int) -> None:
        super().__init__(message)
        self.needed = needed
        self.available = available


class WeightsError(ChatappError):
    """A weight file cannot be used."""


class GGUFError(WeightsError):
    """The file is not a readable GGUF file: truncated, garbage or hostile."""


class AdapterError(WeightsError):
    """The file is not a LoRA adapter that can be added to these weights.

    ``other_base``: it is whole, and made for another model.
    """

    def __init__(self, message: str, *, other_base: bool = False) -> None:
        super().__init__(message)
        self.other_base = other_base


class PullError(WeightsError):
    """A model could not be fetched, or what came is not what the catalogue names."""


class EngineError(ChatappError):
    """The engine answered a request with an error.

    ``kind`` is the protocol's error kind, for example ``template``, ``window``, ``request``.
    """

    def __init__(self, message: str, *, kind: str = "engine") -> None:
        super().__init__(message)
        self.kind = kind


class EngineDied(EngineError):
    """The model process ended without an answer. What was said is untouched.

    ``crash`` is the signal's name if it crashed (``SIGSEGV``), rather than being ended.
    """

    def __init__(self, message: str, crash: str | None = None) -> None:
        super().__init__(message, kind="died")
        self.crash = crash


class HostGone(EngineDied):
    """The computer that ran the model for everyone is out of reach: no process starts anew here."""


class ServerError(EngineError):
    """An OpenAI-compatible server refused the request or broke off."""

    def __init__(self, message: str) -> None:
        super().__init__(message, kind="server")


class LessonError(ChatappError):
    """A lesson cannot be read: the sentence names the file, the step, and what was expected."""


class ShowingError(ChatappError):
    """The screen cannot be shown to others, or recorded."""


class HomeError(ChatappError):
    """A folder or settings file of ours cannot be used."""


class SourceError(ChatappError):
    """A file, a folder or a note cannot become part of what is sent."""


class TrainingError(ChatappError):
    """A fine-tuning job cannot run on what it was given, or its result cannot be written."""


class ArchiveError(ChatappError):
    """A transcript cannot be kept, read, exported or imported."""


class StoreError(ArchiveError):
    """The store is locked, read-only, full, damaged, or from another version.

    ``kind`` is one of ``locked``, ``readonly``, ``full``, ``damaged``, ``newer``, ``older``,
    ``missing``, ``other``.
    """

    def __init__(self, message: str, *, kind: str = "other") -> None:
        super().__init__(message)
        self.kind = kind


class ExportError(ArchiveError):
    """An export cannot be written, or is not what its manifest says."""


class ImportFileError(ArchiveError):
    """A file is not what it was imported as."""
