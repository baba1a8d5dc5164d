"""A model's vocabulary as a ``tiktoken`` encoding: exact counts without asking the model.

Works for byte-level BPE vocabularies (``tokenizer.ggml.model`` = ``gpt2``) whose pre-tokenizer is
known here. Token ids serve as merge ranks, which holds where the vocabulary lists its tokens in
the order of their merges; :meth:`Vocabulary.differs` checks the result against the engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import tiktoken

CONTROL: Final = 3
"""GGUF's token type for control tokens (``tokenizer.ggml.token_type``)."""
USER_DEFINED: Final = 4

_DIGIT_THEN_GPT2: Final = (
    r"\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?![^\s\p{N}])|\s+"
)
_PATTERNS: Final[Mapping[str, str]] = {
    # Single digits first, then GPT-2's pattern: two passes in the published tokenizer, folded
    # into one here. The look-ahead lets white space before a digit stand alone, as two passes do.
    "smollm": _DIGIT_THEN_GPT2,
    "gpt-2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "llama-bpe": (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
    "qwen2": (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
}


# Its regular expressions backtrack over white space, and their stack has an end.
_LONG_SPACE: Final = re.compile(r"\s{4000}")


def _byte_letters() -> dict[str, int]:
    """GPT-2's table: the printable letter that stands for each byte in a vocabulary file."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(byte): byte for byte in plain}
    others = (byte for byte in range(256) if byte not in plain)
    return table | {chr(0x100 + n): byte for n, byte in enumerate(others)}


BYTE_LETTERS: Final = _byte_letters()


class Vocabulary:
    """A tokenizer made from a weight file's own token list (a :class:`~.prompt.Tokenizer`)."""

    def __init__(
        self,
        tokens: Sequence[str],
        types: Sequence[int],
        *,
        pre: str,
        prefix: Sequence[int] = (),
    ) -> None:
        self._tokens = tokens
        self._types = types
        self._pattern = _PATTERNS[pre]
        self.prefix = tuple(prefix)
        self._pieces: dict[int, bytes] = {}
        self.control = {
            text: index
            for index, (text, kind) in enumerate(zip(tokens, types, strict=True))
            if kind == CONTROL
        }

    @staticmethod
    def known(model: str | None, pre: str | None, types: Iterable[int]) -> bool:
        """Whether counts can be made here; if not, they come from the engine."""
        return model == "gpt2" and pre in _PATTERNS and USER_DEFINED not in types

    @staticmethod
    def pattern(pre: str | None) -> str:
        """The regular expression that cuts text before merging, for a known pre-tokenizer."""
        return _PATTERNS[pre or ""]

    @staticmethod
    def takes(text: str) -> bool:
        """Whether ``tiktoken`` can count this text; thousands of spaces in a row are too much."""
        return _LONG_SPACE.search(text) is None

    @cached_property
    def _encoding(self) -> tiktoken.Encoding:
        import tiktoken  # a tenth of a second that the first frame need not wait for

        ranks: dict[bytes, int] = {}
        for index, (text, kind) in enumerate(zip(self._tokens, self._types, strict=True)):
            if kind != CONTROL:
                ranks[_bytes_of(text)] = index
        # tiktoken wants a rank for every single byte. A vocabulary may lack some (control
        # characters, mostly): they get ids past its end, which encode() takes out again, as
        # llama.cpp does.
        spare = len(self._tokens)
        for byte in range(256):
            ranks.setdefault(bytes([byte]), spare + byte)
        return tiktoken.Encoding(
            "gguf", pat_str=self._pattern, mergeable_ranks=ranks, special_tokens={}
        )

    def encode(self, text: str) -> list[int]:
        ids = self._encoding.encode_ordinary(text)
        size = len(self._tokens)
        return ids if not ids or max(ids) < size else [i for i in ids if i < size]

    def piece(self, token: int) -> bytes:
        found = self._pieces.get(token)
        if found is None:
            text = self._tokens[token]
            found = text.encode() if self._types[token] == CONTROL else _bytes_of(text)
            self._pieces[token] = found
        return found

    def differs(self, sent: Sequence[int], counted: Sequence[int]) -> str | None:
        """Why an own count is wrong against the engine's ids for the same prompt, or None."""
        if list(sent) == list(counted):
            return None
        at = next(
            (n for n, (a, b) in enumerate(zip(sent, counted, strict=False)) if a != b),
            min(len(sent), len(counted)),
        )
        return f"the engine counts {len(sent)} tokens, not {len(counted)}; they differ at {at}"


def _bytes_of(text: str) -> bytes:
    """The bytes that a byte-level token's letters stand for."""
    try:
        return bytes(BYTE_LETTERS[letter] for letter in text)
    except KeyError:
        return text.encode()
