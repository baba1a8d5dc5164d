"""Plain words for the terminal: sizes, counts, and text that came from somewhere else."""

from __future__ import annotations

import unicodedata

from chatapp.engine.memory import size
from chatapp.engine.weights.catalogue import Entry

__all__ = ["clean", "count", "size", "training"]


def clean(text: str) -> str:
    """The text without anything that could steer a terminal; line ends and tabs stay.

    File names and what a GGUF file says of itself are a stranger's words: an escape sequence in
    them must not colour, move or hide what is on the screen.
    """
    return "".join(
        "\ufffd" if unicodedata.category(c)[0] == "C" and c not in "\n\t" else c for c in text
    )


def count(number: int) -> str:
    """A large number in words: ``2 trillion``, ``135 million``."""
    for word, factor in (("trillion", 10**12), ("billion", 10**9), ("million", 10**6)):
        if number >= factor:
            return f"{number / factor:.3g} {word}"
    return f"{number:,}"


def training(entry: Entry) -> str:
    """What is published about how a model was made, and plainly what is not."""
    read = f"{count(entry.training_tokens)} tokens" if entry.training_tokens else "not published"
    return f"training: {read}; cut-off: {entry.training_cutoff or 'not published'}"
