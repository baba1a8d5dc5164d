"""An engine for any OpenAI-compatible server: llama-server, vLLM, Ollama and others.

::

    engine ── models   which model, and what the server tells of it
       │ ──── body     the request: which settings this server takes
       │ ──── reply    its chunks: tokens, end, counts
       └───── link     HTTP: JSON up, chunks (sse) down, failures as sentences (errors)
"""

from chatapp.engine.server.engine import ServerEngine, key_from

__all__ = ["ServerEngine", "key_from"]
