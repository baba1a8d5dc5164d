"""Which model a server serves, and what it tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatapp.engine.protocol import Ready
from chatapp.engine.server.body import Family, family_of
from chatapp.engine.server.errors import plain
from chatapp.engine.server.link import Link, LinkError
from chatapp.engine.server.loose import as_count, as_list, as_object
from chatapp.errors import ServerError

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Served:
    """A model, the address ``base`` it is served at, and the server's ``family``.

    ``late_errors``: this server accepts every request and breaks off over what it cannot do.
    """

    ready: Ready
    base: str
    family: Family
    late_errors: bool


async def find_model(link: Link, name: str | None, *, seconds: float) -> Served:
    """The model ``name``, or the first that is served. Raises ``ServerError``."""
    base, listing = await _models(link, seconds)
    entries = _entries(listing)
    if not entries:
        raise ServerError(f"The server at {link.address} serves no model.")
    names = [entry["id"] for entry in entries]
    # Ollama lists "llama3:latest" for what people call "llama3".
    place = next((names.index(n) for n in (name, f"{name}:latest") if n in names), None)
    if name is not None and place is None:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise ServerError(
            f"The server at {link.address} has no model '{plain(name, limit=80)}'; it has: "
            f"{plain(', '.join(names[:_SHOWN]))}{more}."
        )
    entry = entries[place or 0]
    owner = entry.get("owned_by")
    told = as_object(entry.get("meta"))
    window = _size(entry.get("max_model_len"))  # vLLM
    if owner == "llamacpp":
        window = await _props_window(link, base, seconds)
    ready = Ready(
        model=entry["id"],
        window=window,
        trained=_size(told.get("n_ctx_train")),
        vocabulary=_size(told.get("n_vocab")),
    )
    # Ollama's own models tell it from others; the rest bear their makers' names.
    ollama = any(family_of(item.get("owned_by")) == "ollama" for item in entries)
    family = "ollama" if ollama else family_of(owner)
    return Served(ready, base, family, late_errors=owner == "me")


async def _models(link: Link, seconds: float) -> tuple[str, Any]:
    """The list of models, and the address that had it: with ``/v1`` added if it was left out."""
    if link.url.endswith("/v1"):
        return link.url, await link.get(f"{link.url}/models", seconds=seconds)
    try:
        return f"{link.url}/v1", await link.get(f"{link.url}/v1/models", seconds=seconds)
    except LinkError:
        raise
    except ServerError as first:
        try:
            return link.url, await link.get(f"{link.url}/models", seconds=seconds)
        except ServerError:
            raise first from None


def _entries(listing: Any) -> list[dict[str, Any]]:
    """The models of a list that have a name."""
    found = [as_object(item) for item in as_list(as_object(listing).get("data"))]
    return [item for item in found if isinstance(item.get("id"), str)]


async def _props_window(link: Link, base: str, seconds: float) -> int | None:
    """llama-server's window for one conversation, which may be less than the model's."""
    try:
        props = await link.get(f"{base.removesuffix('/v1')}/props", seconds=seconds)
    except ServerError:  # not every such server reveals it
        return None
    return _size(as_object(as_object(props).get("default_generation_settings")).get("n_ctx"))


def _size(value: Any) -> int | None:
    return as_count(value) or None
