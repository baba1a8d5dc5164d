"""llama.cpp, as far as the engine needs it: the one file that imports ``llama_cpp``.

Uses llama.cpp's C interface through llama-cpp-python's bindings. Its high-level ``Llama`` class is
not used: it reuses generated cache entries (answers would depend on history), holds logits for
whole batches, and redirects the process's file descriptors while loading.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

from chatapp.engine.memory import CacheShape, KvType
from chatapp.engine.pace import Pace
from chatapp.engine.threads import processors
from chatapp.errors import EngineError

Logits = NDArray[np.float32]

_CONTROL: Final = 1 << 3
"""llama.cpp's attribute bit for control tokens (``LLAMA_TOKEN_ATTR_CONTROL``)."""
_ABORTED: Final = 2
"""What ``llama_decode`` returns when the abort callback stopped it."""
_ERROR_LEVEL: Final = 4
"""``GGML_LOG_LEVEL_ERROR``."""
_TYPES: Final[dict[KvType, int]] = {
    "f16": lib.GGML_TYPE_F16,
    "f32": lib.GGML_TYPE_F32,
    "q8_0": lib.GGML_TYPE_Q8_0,
}


class Cancelled(Exception):
    """The abort callback stopped an evaluation."""


def quiet() -> None:
    """Let llama.cpp print errors only (to fd 2)."""

    def log(level: int, text: bytes, _: Any) -> None:
        if level >= _ERROR_LEVEL:
            os.write(2, text)

    _KEPT["log"] = lib.llama_log_callback(log)
    lib.llama_log_set(_KEPT["log"], ctypes.c_void_p(0))


def has_gpu() -> bool:
    """Whether this build of llama.cpp found a graphics processor to compute on."""
    return bool(lib.llama_supports_gpu_offload())


def system_info() -> str:
    """What llama.cpp says of itself: ``CPU : AVX = 1 | AVX2 = 1 | …``."""
    return str(lib.llama_print_system_info().decode("utf-8", "replace"))


def build() -> str:
    """llama.cpp's version, with the commit it was built from where that is known."""
    texts = [lib.llama_version()]
    try:
        find = lib._lib.ggml_commit
        find.restype = ctypes.c_char_p
        texts.append(find())
    except AttributeError:  # another library holds it, or none
        pass
    words = [text.decode("utf-8", "replace") for text in texts if text]
    return " ".join(word for word in words if word != "unknown")


# Callbacks that C code holds must stay referenced from here.
_KEPT: dict[str, Any] = {}


class Model:
    """A weight file, mapped read-only, and its vocabulary (a ``context.prompt.Tokenizer``)."""

    def __init__(
        self,
        path: str,
        *,
        gpu_layers: int = 0,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """Raises :class:`EngineError` (kind ``model``) if llama.cpp cannot use the file."""
        lib.llama_backend_init()
        params = lib.llama_model_default_params()
        params.n_gpu_layers = gpu_layers
        if progress:

            def report(done: float, _: Any) -> bool:
                progress(done)
                return True

            _KEPT["progress"] = params.progress_callback = lib.llama_progress_callback(report)
        pointer = lib.llama_model_load_from_file(path.encode(), params)
        if not pointer:
            raise EngineError(
                "llama.cpp cannot use this weight file: it may be damaged, or of a kind that this "
                "version does not know.",
                kind="model",
            )
        self.pointer = pointer
        self.vocab = lib.llama_model_get_vocab(pointer)
        self.size = int(lib.llama_vocab_n_tokens(self.vocab))
        if not self.size:
            raise EngineError("This weight file holds no vocabulary.", kind="model")
        self.trained = int(lib.llama_model_n_ctx_train(pointer))
        self.control = {
            lib.llama_vocab_get_text(self.vocab, token).decode("utf-8", "replace"): token
            for token in range(self.size)
            if lib.llama_vocab_get_attr(self.vocab, token) & _CONTROL
        }
        bos = int(lib.llama_vocab_bos(self.vocab))
        self.prefix = (bos,) if bos >= 0 and lib.llama_vocab_get_add_bos(self.vocab) else ()
        self._pieces: dict[int, bytes] = {}

    @property
    def layers(self) -> int:
        return int(lib.llama_model_n_layer(self.pointer))

    @property
    def looks_back(self) -> bool:
        """Whether some layers see only the latest tokens (sliding-window attention)."""
        return int(lib.llama_model_n_swa(self.pointer)) > 0

    @property
    def cache_shape(self) -> CacheShape | None:
        """What a token leaves in the KV cache; None for kinds of model where that varies."""
        if lib.llama_model_is_recurrent(self.pointer) or lib.llama_model_is_hybrid(self.pointer):
            return None
        width = int(lib.llama_model_n_embd(self.pointer))
        head = width // max(int(lib.llama_model_n_head(self.pointer)), 1)
        return CacheShape(
            layers=self.layers,
            heads=int(lib.llama_model_n_head_kv(self.pointer)),
            key=self._number("attention.key_length") or head,
            value=self._number("attention.value_length") or head,
        )

    def _number(self, name: str) -> int | None:
        """A whole number in the file's metadata, by its name without the architecture."""
        kind, found = self._text("general.architecture"), None
        if kind:
            found = self._text(f"{kind}.{name}")
        return int(found) if found and found.isdecimal() else None

    def _text(self, key: str) -> str | None:
        buffer = ctypes.create_string_buffer(256)
        count = lib.llama_model_meta_val_str(self.pointer, key.encode(), buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace") if count >= 0 else None

    @property
    def template(self) -> str | None:
        """The chat template stored in the file, if there is one."""
        found = lib.llama_model_chat_template(self.pointer, None)
        return found.decode("utf-8", "replace") if found else None

    def token_text(self, which: str) -> str:
        """The text of the ``bos`` or ``eos`` token, or nothing if there is none."""
        find = {"bos": lib.llama_vocab_bos, "eos": lib.llama_vocab_eos}[which]
        token = int(find(self.vocab))
        if token < 0:
            return ""
        return str(lib.llama_vocab_get_text(self.vocab, token).decode("utf-8", "replace"))

    def encode(self, text: str) -> list[int]:
        """Ids of ordinary text: no BOS is added, and control-token strings stay text."""
        data = text.encode()
        room = len(data) + 8
        ids = (lib.llama_token * room)()
        count = lib.llama_tokenize(self.vocab, data, len(data), ids, room, False, False)
        if count < 0:
            raise EngineError("This text cannot be tokenized.", kind="internal")
        return ids[:count]

    def piece(self, token: int) -> bytes:
        """The bytes that a token stands for; a control token's name."""
        found = self._pieces.get(token)
        if found is None:
            found = self._pieces[token] = self._piece(token, special=True)
        return found

    def written(self, token: int) -> bytes:
        """The bytes that a *generated* token adds to a reply: none for a control token."""
        return b"" if self.is_control(token) else self.piece(token)

    def _piece(self, token: int, *, special: bool) -> bytes:
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            count = int(lib.llama_token_to_piece(self.vocab, token, buffer, room, 0, special))
            if count >= 0:
                return buffer.raw[:count]
            room = -count

    def is_control(self, token: int) -> bool:
        return bool(lib.llama_vocab_is_control(self.vocab, token))

    def ends(self, token: int) -> bool:
        """Whether the model says with this token that its reply is over."""
        return bool(lib.llama_vocab_is_eog(self.vocab, token))

    def adapter(self, path: str) -> Any:
        """A pointer to a LoRA file's numbers, copied into memory. The file must be checked first:
        llama.cpp takes much of it on trust. Raises :class:`EngineError` (kind ``adapter``).
        """
        pointer = lib.llama_adapter_lora_init(self.pointer, os.fsencode(path))
        if not pointer:
            raise EngineError(
                f"llama.cpp cannot add {os.path.basename(path)} to these weights.", kind="adapter"
            )
        return pointer

    @staticmethod
    def free_adapter(pointer: Any) -> None:
        """No context may be using it."""
        lib.llama_adapter_lora_free(pointer)

    def close(self) -> None:
        if self.pointer:
            lib.llama_model_free(self.pointer)
            self.pointer = None


class Context:
    """The state of one evaluation: a KV cache for ``window`` tokens, and the last logits.

    ``batch`` is the most tokens that one call evaluates; ``pace`` says with how many threads.
    """

    def __init__(
        self, model: Model, *, window: int, pace: Pace, batch: int, kv_type: KvType = "f16"
    ) -> None:
        params = lib.llama_context_default_params()
        params.n_ctx = window
        params.n_batch = params.n_ubatch = batch
        params.n_seq_max = 1
        params.n_threads = params.n_threads_batch = self._threads = pace.most
        params.type_k = params.type_v = _TYPES[kv_type]
        # With flash attention, the bits of a long context depend on the number of threads. Packed
        # values can only be read by it, and it turns 32-bit ones into 16-bit.
        params.flash_attn_type = (
            lib.LLAMA_FLASH_ATTN_TYPE_ENABLED
            if kv_type == "q8_0"
            else lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
        )
        params.swa_full = True  # so that any part of the cache can be cut back
        params.no_perf = True
        self.model = model
        self.window = window
        self.pace = pace
        pointer = lib.llama_init_from_model(model.pointer, params)
        if not pointer:
            raise EngineError(
                f"llama.cpp could not make room for a window of {window:,} tokens with a KV cache "
                f"of type {kv_type}. Choose a smaller window or another type.",
                kind="memory",
            )
        self.pointer = pointer
        self._memory = lib.llama_get_memory(pointer)
        self._never = lib.ggml_abort_callback()
        self._tokens = (lib.llama_token * batch)()
        self._other = ThreadPoolExecutor(1, "meanwhile")
        self._processors = processors()
        self._address = 0
        self._logits: Logits = np.empty(0, np.float32)

    def add(self, adapter: Any | None, scale: float = 1.0) -> None:
        """Add an adapter's numbers, ``scale`` times, to the weights from now on; None: nothing.

        What the cache holds was computed with other weights then, and must not be used.
        """
        chosen: list[Any] = [] if adapter is None else [adapter]
        count = len(chosen)
        adapters = (lib.llama_adapter_lora_p_ctypes * count)(*chosen)
        scales = (ctypes.c_float * count)(*([scale] * count))
        if lib.llama_set_adapters_lora(self.pointer, adapters, count, scales):
            raise EngineError("llama.cpp could not add this adapter.", kind="adapter")

    def evaluate(
        self, tokens: Sequence[int], *, meanwhile: Callable[[], None] | None = None
    ) -> None:
        """Run the network once over ``tokens``, which follow what the cache holds.

        ``meanwhile`` is done on another thread while the network computes, if a processor is left
        for it, else before; what it raises is raised here. Raises :class:`Cancelled` if the abort
        callback stopped the network; the cache then holds a part.
        """
        count = len(tokens)
        self._tokens[:count] = list(tokens)
        self._use(self.pace.threads())
        batch = lib.llama_batch_get_one(self._tokens, count)
        other = None
        if meanwhile is not None and self._threads < self._processors:
            # Started last: this thread needs no Python now until the network has computed.
            other = self._other.submit(meanwhile)
        elif meanwhile is not None:  # the network's threads would wait for each other
            meanwhile()
        code = lib.llama_decode(self.pointer, batch)
        if other is not None:
            other.result()
        if code == _ABORTED:
            raise Cancelled
        if code == 1:
            raise EngineError("The context window is full.", kind="window")
        if code != 0:
            raise EngineError(f"llama.cpp could not evaluate ({code}).", kind="internal")

    @property
    def spare(self) -> bool:
        """Whether a processor is left beside the network's threads."""
        return self.pace.threads() < self._processors

    def _use(self, threads: int) -> None:
        if threads != self._threads:
            lib.llama_set_n_threads(self.pointer, threads, threads)
            self._threads = threads

    def logits(self) -> Logits:
        """A copy of the last token's logits: float32, shape (vocabulary,), no unit."""
        return self.passing_logits().copy()

    def passing_logits(self) -> Logits:
        """These logits where llama.cpp keeps them: the next evaluation writes over them."""
        pointer = lib.llama_get_logits_ith(self.pointer, -1)
        address = ctypes.addressof(pointer.contents)
        if address != self._address:
            self._address = address
            self._logits = np.ctypeslib.as_array(pointer, shape=(self.model.size,))
            self._logits.flags.writeable = False
        return self._logits

    def cut(self, position: int) -> bool:
        """Drop the cache from ``position`` on. False if this kind of cache cannot be cut."""
        if position == 0:
            lib.llama_memory_clear(self._memory, True)
            return True
        return bool(lib.llama_memory_seq_rm(self._memory, 0, position, -1))

    def save(self) -> bytes:
        """The cache as it stands, bit for bit (some 20 kB a token for the default model).

        Not all of it for a model that :attr:`~Model.looks_back`: what its narrow layers no longer
        see is left out, so it can go on from there and not be cut back.
        """
        size = int(lib.llama_state_seq_get_size(self.pointer, 0))
        buffer = (ctypes.c_uint8 * size)()
        count = int(lib.llama_state_seq_get_data(self.pointer, buffer, size, 0))
        return bytes(memoryview(buffer)[:count])

    def restore(self, state: bytes) -> bool:
        """Put a saved cache in place of this one. False, and empty, if it does not go in."""
        self.cut(0)
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        done = int(lib.llama_state_seq_set_data(self.pointer, buffer, len(state), 0))
        if done != len(state):
            self.cut(0)
        return done == len(state)

    def abort_when(self, cancelled: Callable[[], bool] | None) -> None:
        """Ask ``cancelled`` between the operations of an evaluation; None stops asking.

        Only prefill asks: a call into Python at each of a token's thousand operations would slow
        decoding by a tenth, and decoding can be stopped between tokens.
        """
        if cancelled is None:
            lib.llama_set_abort_callback(self.pointer, self._never, None)
            return
        callback = lib.ggml_abort_callback(lambda _: cancelled())
        _KEPT["abort"] = callback
        lib.llama_set_abort_callback(self.pointer, callback, None)

    def close(self) -> None:
        self._other.shutdown()
        if self.pointer:
            lib.llama_free(self.pointer)
            self.pointer = None
