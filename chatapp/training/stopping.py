"""Ctrl+C, as the job tells it."""

from __future__ import annotations

from chatapp.errors import TrainingError


class Stopped(TrainingError):
    """What was trained so far is kept, and can be gone on with."""
