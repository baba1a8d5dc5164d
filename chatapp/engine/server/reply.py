"""What comes back from a server, chunk by chunk: the reply's tokens, its end and its counts."""

from __future__ import annotations

import time
from typing import Any

from chatapp.engine.protocol import Alternative, Done, Generate, Reason, Token
from chatapp.engine.server.errors import plain
from chatapp.engine.server.loose import (
    as_count,
    as_list,
    as_number,
    as_object,
    as_text,
    stated,
)
from chatapp.errors import ServerError


class Reply:
    """One answer as it comes in. ``text`` is the reply so far, ``ended`` the server's reason."""

    def __init__(self, request: Generate, window: int | None) -> None:
        self._limit = request.sampling.max_tokens
        self._window = window
        self._texts: list[str] = []
        self._reasoning: list[str] = []
        self._half = ""  # the first half of a surrogate pair
        self._usage: dict[str, Any] = {}
        self._timings: dict[str, Any] = {}
        self._first: float | None = None
        self._last: float | None = None
        self.ended: str | None = None
        self.chunks = 0

    @property
    def text(self) -> str:
        return "".join(self._texts)

    @property
    def reasoning(self) -> str:
        """What the server sent apart from the reply. It is never part of the transcript."""
        return "".join(self._reasoning)

    @property
    def begun(self) -> bool:
        return self._first is not None

    def read(self, chunk: Any) -> list[Token]:
        """The tokens of one chunk, or of a whole answer. Raises ``ServerError`` for an error."""
        self.chunks += 1
        chunk = as_object(chunk)
        if chunk.get("error") or ("choices" not in chunk and "message" in chunk):
            why = plain(stated(chunk)) or "it named no reason"
            raise ServerError(f"The server broke off: {why}")
        self._usage = as_object(chunk.get("usage")) or self._usage
        self._timings = as_object(chunk.get("timings")) or self._timings
        choices = chunk.get("choices")
        choice = as_object(choices[0]) if isinstance(choices, list) and choices else {}
        delta = as_object(choice.get("delta")) or as_object(choice.get("message"))
        # vLLM and llama-server call it reasoning_content, Ollama reasoning; some send both.
        thought = as_text(delta.get("reasoning_content")) or as_text(delta.get("reasoning"))
        if thought:
            self._reasoning.append(thought)
        logprobs = {} if thought else as_object(choice.get("logprobs"))
        tokens = self._tokens(as_text(delta.get("content")), logprobs)
        if isinstance(choice.get("finish_reason"), str):
            self.ended = choice["finish_reason"]
        elif "message" in choice:  # a whole answer ends with itself
            self.ended = "stop"
        if tokens:
            self._last = time.monotonic()
            self._first = self._first or self._last
            self._texts += [token.text for token in tokens]
        return tokens

    def _tokens(self, text: str, logprobs: dict[str, Any]) -> list[Token]:
        content = logprobs.get("content")
        entries = [as_object(item) for item in content] if isinstance(content, list) else []
        if not text and not entries:
            return []
        texts = [as_text(entry.get("token")) for entry in entries]
        if "".join(texts) != text:
            # The names of tokens may be lossy (half a character); the reply's text never is.
            texts = [""] * (len(entries) - 1) + [text]
        if not entries:
            entries = [{}]
        return [
            Token(
                text=self._whole(part),
                token=as_count(entry.get("id")),
                logprob=as_number(entry.get("logprob")),
                alternatives=_alternatives(entry.get("top_logprobs")),
            )
            for part, entry in zip(texts, entries, strict=True)
        ]

    def _whole(self, text: str) -> str:
        """``text`` with surrogate pairs joined; a first half waits for its second one."""
        text, self._half = self._half + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        if text.isascii():
            return text
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def done(self, reason: Reason | None = None) -> Done:
        """The last event. Counts are the server's own, or ``None``; nothing is estimated."""
        usage = self._usage
        prompt = as_count(usage.get("prompt_tokens"))
        made = as_count(usage.get("completion_tokens"))
        details = as_object(usage.get("prompt_tokens_details"))
        # llama-server measures its own work; the others may tell how much came from a cache.
        reused = as_count(details.get("cached_tokens"))
        if reused is None:
            reused = as_count(self._timings.get("cache_n"))
        evaluated = as_count(self._timings.get("prompt_n"))
        if evaluated is None and prompt is not None and reused is not None:
            evaluated = max(prompt - reused, 0)
        prefill = as_number(self._timings.get("prompt_ms"))
        decode = None if self._first is None or self._last is None else self._last - self._first
        return Done(
            reason=reason or self._reason(prompt, made),
            text=self.text,
            prompt_tokens=prompt,
            reply_tokens=self._without_reasoning(made),
            reused=reused,
            evaluated=evaluated,
            prefill_seconds=None if prefill is None else prefill / 1000,
            decode_seconds=decode,
        )

    def _reason(self, prompt: int | None, made: int | None) -> Reason:
        if self.ended != "length":
            return "stop"
        if prompt is None or made is None or self._window is None:
            return "length"
        full = made < self._limit and prompt + made >= self._window
        return "window" if full else "length"

    def _without_reasoning(self, made: int | None) -> int | None:
        """Tokens of the reply alone; unknown where hidden ones were made and not counted."""
        details = as_object(self._usage.get("completion_tokens_details"))
        hidden = as_count(details.get("reasoning_tokens"))
        if made is None or (self.reasoning and not hidden):
            return None
        return max(made - (hidden or 0), 0)


def _alternatives(value: Any) -> tuple[Alternative, ...]:
    found = []
    for item in as_list(value):
        entry = as_object(item)
        logprob = as_number(entry.get("logprob"))
        if logprob is not None:
            token = as_count(entry.get("id"))
            found.append(
                Alternative(
                    token=token,
                    text=as_text(entry.get("token")),
                    logprob=logprob,
                )
            )
    return tuple(found)
